"""Mistakes that the first rows show are answered before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from components.data.ingest.preview import preview
from components.errors import UserError


def change(file: str, old: str, new: str) -> None:
    path = Path(file)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.usefixtures("tiny_project")
def test_good_sources_pass_and_sources_not_yet_here_are_left_alone() -> None:
    preview(params.load())
    project = params.load()
    Path("sources/mood.csv").unlink()
    preview(project)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("sources/mood.csv", ",up,", ",upp,", "mood.csv, row 3: label 'upp' is not in the label set (did you mean 'up'?)"),
        ("params.yaml", "labels: [down, up]", "labels: [down, upp]", "label 'up' is not in the label set (did you mean 'upp'?)"),
        ("params.yaml", "{text: text, label: label}", "{text: txet, label: label}", "no column 'txet' for text (did you mean 'text'?)"),
        ("params.yaml", 'tags: "1"', 'tags: "0"', "people.conll, row 1: tag 1 is"),
        ("sources/closeness.jsonl", '"score": 0.0', '"score": NaN', "closeness.jsonl, row 1: 'score' is nan"),
        ("params.yaml", "format: csv, labels: [down, up]", "format: csv, labels: []", "tasks.mood.source.labels: found [], the label set is empty"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("tiny_project")
def test_a_mistake_in_the_first_rows_is_one_sentence(file: str, old: str, new: str, expected: str) -> None:
    change(file, old, new)
    with pytest.raises(UserError) as error:
        preview(params.load())
    assert expected in str(error.value)
    assert "\n" not in str(error.value)
