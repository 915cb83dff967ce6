"""Spans marked within texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.data.sources.formats import read_all
from components.data.sources.formats.inline import read_inline, taken_out
from components.data.sources.record import Unreadable
from components.settings.data import Source


def read(path: Path, text: str) -> list[Any]:
    path.write_text(text)
    return [fields for _, fields in read_inline(path, Source(path=str(path), format="inline"))]


@pytest.mark.parametrize("word", ["<unk>", "<b>", "</s>"])
def test_a_mark_that_marks_no_span_of_the_file_is_a_word(tmp_path: Path, word: str) -> None:
    (row,) = read(tmp_path / "rows.txt", f"{word} is in <LOC>Paris</LOC>\n")
    assert row["text"] == f"{word} is in Paris"


@pytest.mark.parametrize(
    "half", ["<LOC>", "</LOC>", "<START:person>", "<START:a/b>", "<START>", "<END>", "</ENAMEX>"]
)
def test_half_of_a_mark_of_spans_cannot_be_read(tmp_path: Path, half: str) -> None:
    first, second = read(tmp_path / "rows.txt", f"{half} is half\nin <LOC>Paris</LOC>\n")
    assert isinstance(first, Unreadable)
    assert first.reason == f"'{half}' without its other half"
    assert second["text"] == "in Paris"


@pytest.mark.parametrize(
    ("line", "text", "kind"),
    [
        ("in <START> Paris <END> now", "in Paris now", "default"),
        ("in <START:place> Paris <END> now", "in Paris now", "place"),
        ("[two](number:2) cups", "two cups", "number"),
        ("in [NYC](city:New York City)", "in NYC", "city"),
    ],
)
def test_a_span_s_type_is_what_its_tool_calls_it(line: str, text: str, kind: str) -> None:
    found, (span,) = taken_out(line)
    assert (found, span["type"]) == (text, kind)


@pytest.mark.parametrize("line", ["see [it](https://example.org)", "ask [Ann](mailto:ann@example.org)"])
def test_a_link_is_no_span(line: str) -> None:
    assert taken_out(line) == (line, [])


def test_a_row_without_a_single_value_is_no_row_of_a_marked_column(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("text,note\nin [Paris](city) now,a\n,\n")
    source = Source(path=str(file), format="csv", inline="text")
    found = [record.skipped for record in read_all(source, {"text": "text", "spans": "spans"})]
    assert found == ["", "without a single value"]


@pytest.mark.timeout(5)
@pytest.mark.parametrize("half", ["<ENAMEX " * 30_000, f"<START>{' ' * 20_000}a"])
def test_halves_of_marks_in_a_long_line_are_looked_at_once(half: str) -> None:
    assert taken_out(half) == (half, [])
