"""Rows and a table beside them: nothing that either says is lost without a word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.data.sources.formats import read_all
from components.data.sources.record import Record
from components.errors import UserError
from components.settings.data import Join, Source

COLUMNS = {"text": "text", "label": "topic"}


def read(
    folder: Path, texts: str, labels: str, columns: dict[str, str] = COLUMNS, **source: Any
) -> list[Record]:
    (folder / "texts.csv").write_text(texts)
    (folder / "labels.csv").write_text(labels)
    join = Join(file="labels.csv", by="id")
    settings = Source(path=str(folder), format="csv", files={"train": "texts.csv"}, join=join, **source)
    return list(read_all(settings, columns))


def test_a_text_with_marks_takes_along_its_label_and_its_file_s_name(tmp_path: Path) -> None:
    columns = {**COLUMNS, "spans": "spans", "source": "file"}
    texts = "id,text\n1,in [Rome](city)\n2,in [Bonn](city)\n"
    first, second = read(tmp_path, texts, "id,topic\n1,a\n2,b\n", columns, inline="text", file_column="file")
    assert (first.values["text"], first.values["label"], first.values["source"]) == ("in Rome", "a", "texts")
    assert (second.values["spans"][0]["text"], second.values["label"]) == ("Bonn", "b")
