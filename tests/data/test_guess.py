"""Differently shaped files (synthetic, tests/data/shapes.py): each is guessed right, or rightly asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import settings
from components.data.guess import Question, Wishes, guess
from components.data.guess.write import write
from components.data.sources import read
from components.errors import UserError
from flows.new_task import with_arguments
from tests.data.shapes import ASKED, GUESSED, Shape


def written(shape: Shape, folder: Path) -> str:
    shape.write(folder / shape.file)
    return str(folder / shape.file)


@pytest.mark.parametrize("shape", GUESSED, ids=lambda shape: shape.file)
def test_guesses_right(shape: Shape, tiny_project: Path) -> None:
    """Family, columns, format and options; and the entry is one that the settings and the reader accept."""
    found = guess(written(shape, tiny_project), Wishes(name="new"))
    keys = found.entry.keys
    assert (keys["family"], keys["columns"]) == (shape.family, shape.columns)
    assert shape.source.items() <= keys["source"].items()
    assert keys.get("options", {}) == shape.options
    assert found.unread == ""
    write(found.entry, Path("params.yaml"))
    task = settings.load().tasks["new"]
    records = list(read(task.source, task.columns))
    assert len(records) >= found.rows
    assert all(found.plan.columns.keys() == record.values.keys() for record in records)


@pytest.mark.parametrize("shape", ASKED, ids=lambda shape: shape.file)
def test_asks_rightly(shape: Shape, tmp_path: Path) -> None:
    """One sentence; and every answer that it offers settles it, unless the rows cannot be read so."""
    address = written(shape, tmp_path)
    with pytest.raises(Question) as asked:
        guess(address, Wishes())
    assert shape.asks in str(asked.value)
    for choice in asked.value.choices:
        try:
            found = guess(choice.address or address, with_arguments(Wishes(), choice.arguments))
        except UserError as error:
            assert "cannot read" in str(error) or "expected" in str(error)
        else:
            named = dict(value.split("=") for value in choice.arguments[1::2] if "=" in value)
            assert named.items() <= found.entry.keys["columns"].items()


def test_there_are_thirty_shapes_and_more() -> None:
    assert len({shape.file for shape in [*GUESSED, *ASKED]}) >= 30
