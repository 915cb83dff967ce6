"""Joint annotations: several heads over the same rows. The rows are synthetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from components.data.contract.rows import labelled_rows
from components.data.ingest.ingest import ingest
from components.errors import UserError
from components.settings.project import Task

GOOD = {
    "text": "book a flight to paris",
    "intent": "book",
    "words": ["book", "a", "flight", "to", "paris"],
    "slots": ["O", "O", "O", "O", "B-city"],
    "urgency": 0.5,
}


def task(path: Path) -> Task:
    gate = {"metric": "accuracy", "floor": 0.0}
    return Task.model_validate(
        {
            "family": "classification",
            "source": {"path": str(path), "format": "jsonl"},
            "columns": {"text": "text", "label": "intent"},
            "splits": {"validation": 0.2, "test": 0.2},
            "cleaning": {},
            "max_length": 32,
            "gate": gate,
            "example": {"text": "book a flight"},
            "joint": {
                "slots": {"family": "tagging", "columns": {"tokens": "words", "tags": "slots"}, "gate": gate},
                "urgency": {"family": "regression", "columns": {"score": "urgency"}, "gate": gate},
            },
        }
    )


def rows(folder: Path, *others: dict[str, Any]) -> Path:
    """Sixty good rows, then the others."""
    good = [
        {
            **GOOD,
            "text": f"{GOOD['text']} {n}",
            "words": [*GOOD["words"], str(n)],
            "slots": [*GOOD["slots"], "O"],
            "intent": ["book", "cancel"][n % 2],
            "urgency": n / 60,
        }
        for n in range(60)
    ]
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in [*good, *others]) + "\n")
    return path


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": " "}, "'text' is empty, expected a text"),
        ({"text": None}, "'text' is missing, expected a text"),
        ({"intent": None, "slots": None, "urgency": None}, "no target, expected that of task or slots or urgency"),
        ({"slots": ["O", "O"]}, "5 tokens but 2 tags, expected one tag per token"),
        ({"slots": ["O", "O", "O", "O", "city"]}, "tag 5 is 'city'"),
        ({"slots": 7}, "'slots' is 7, expected a list of words"),
        ({"words": ["book", "a", "train", "to", "paris"]}, "token 3, 'train', is not in the text"),
        ({"words": ["book", "a", " ", "to", "paris"]}, "'words' has a blank at place 3"),
        ({"urgency": "high"}, "'urgency' is 'high', expected a number"),
        ({"urgency": [1]}, "'urgency' is [1], expected a number"),
    ],
)  # fmt: skip
def test_a_malformed_row_gets_one_sentence(tmp_path: Path, wrong: dict[str, Any], sentence: str) -> None:
    path = rows(tmp_path, {**GOOD, **wrong})
    with pytest.raises(UserError) as error:
        ingest("task", task(path), 1, tmp_path / "data/task")
    assert str(error.value).startswith(f"{path}, row 61: ")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").glob("task"))


def test_the_text_is_kept_once_and_a_row_may_lack_some_targets(tmp_path: Path) -> None:
    partial = [
        {**GOOD, "text": f"{GOOD['text']} soon {n}", "words": None, "slots": None, "urgency": None}
        for n in range(40)
    ]
    ingest("task", task(rows(tmp_path, *partial)), 1, tmp_path / "data/task")
    table = pq.read_table(tmp_path / "data/task/train.parquet")
    assert [name for name in table.column_names if "text" in name] == ["text", "text_pair"]
    own = labelled_rows(tmp_path / "data/task", "train", "task")
    slots = labelled_rows(tmp_path / "data/task", "train", "slots")
    assert 0 < len(slots) < len(own) == len(table)
    assert all(row["tags"] and row["text"] and "label" in row for row in slots)


def test_a_head_has_a_label_map_of_its_own(tmp_path: Path) -> None:
    """Under each head's own name; a label that it lacks is named."""
    others = {**GOOD, "slots": ["O", "O", "O", "O", "B-City"], "text": "book a flight to paris now"}
    given = task(rows(tmp_path, others)).model_dump()
    given["joint"]["slots"]["label_map"] = {"O": "O", "B-city": "B-city", "B-City": "B-city"}
    ingest("task", Task.model_validate(given), 1, tmp_path / "out")
    tables = [pq.read_table(tmp_path / f"out/{split}.parquet") for split in ("train", "validation", "test")]
    tags = [tag for table in tables for tags in table["slots.tags"].to_pylist() for tag in tags or ()]
    assert set(tags) == {"O", "B-city"}
    given["joint"]["slots"]["label_map"] = {"O": "O", "B-city": "B-town"}
    with pytest.raises(UserError, match=r"'B-City' is not in joint\.slots\.label_map"):
        ingest("task", Task.model_validate(given), 1, tmp_path / "out")
