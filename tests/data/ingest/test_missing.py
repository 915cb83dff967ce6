"""Targets that stand for a missing one: what ingest says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from components.data.ingest.missing import notes
from components.data.ingest.reader import Reader
from components.settings.project import Task


def said_of(folder: Path, values: list[Any], **task: Any) -> list[str]:
    """The notes on rows of these targets, of a task of classes unless said otherwise."""
    keys = {
        "family": "classification",
        "source": {"path": "rows.csv", "format": "csv"},
        "columns": {"text": "text", "label": "label"},
        "splits": {},
        "cleaning": {},
        "max_length": 8,
        **task,
    }
    reader = Reader("t", Task.model_validate(keys))
    pl.DataFrame({reader.heads[0].first: values}).write_parquet(folder / "rows.parquet")
    return notes(reader, folder / "rows.parquet")


def named(said: str) -> list[str]:
    """The values that a note names, in its order."""
    return [part.split(" in ")[0] for part in said.split(" of ", maxsplit=1)[0].split(" and ")]


MARKS = ["N/A", "nan", "unlabeled", "<NA>", "#N/A", "missing", "undefined"]


def test_values_are_named_in_their_order_whatever_order_the_rows_have(tmp_path: Path) -> None:
    (said,) = said_of(tmp_path, ["good", "bad", *MARKS[::-1]])
    assert named(said) == sorted(MARKS)


def test_numbers_are_named_in_their_order_whatever_order_the_rows_have(tmp_path: Path) -> None:
    codes = [9999.0, -9999.0, 999.0, -99.0, 99999.0, -999.0]
    columns = {"text": "text", "score": "score"}
    (said,) = said_of(tmp_path, [0.5, 1.5, *codes, *codes], family="regression", columns=columns)
    assert list(map(float, named(said))) == sorted(codes)


def test_the_filter_is_read_by_yaml_as_it_is_meant(tmp_path: Path) -> None:
    source = {"path": "rows.csv", "format": "csv"}
    for column in ("no", "label", "1", "on", "größe: x"):
        values = ["good", "bad", "null", "N/A", "missing"]
        (said,) = said_of(tmp_path, values, source=source, columns={"text": "text", "label": column})
        advised = yaml.safe_load(said.split("`")[1])
        assert advised == {"filter": {column: {"not": ["N/A", "missing", "null"]}}}


@pytest.mark.parametrize(
    ("family", "target"), [("generation", "target"), ("retrieval", "answer"), ("knowledge_graph", "tail")]
)
def test_free_texts_are_no_classes(tmp_path: Path, family: str, target: str) -> None:
    columns = {"text": "text", target: "answer"}
    assert said_of(tmp_path, ["yes", "no", "maybe", "-", "-"], family=family, columns=columns) == []
