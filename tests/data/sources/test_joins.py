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


@pytest.mark.parametrize("ids", [("1", "1.0"), ("1.0", "1"), ("9007199254740993", "9007199254740993.0")])
def test_a_number_and_what_pandas_makes_of_it_name_one_row(tmp_path: Path, ids: tuple[str, str]) -> None:
    (record,) = read(tmp_path, f"id,text\n{ids[0]},a b\n", f"id,topic\n{ids[1]},a\n")
    assert record.values == {"text": "a b", "label": "a"}


@pytest.mark.parametrize("ids", [("1", "01"), ("1.0", "1.5"), ("a", "A")])
def test_other_spellings_name_another_row(tmp_path: Path, ids: tuple[str, str]) -> None:
    with pytest.raises(UserError, match="no row's 'id' is in column 'id' of labels.csv"):
        read(tmp_path, f"id,text\n{ids[0]},a b\n", f"id,topic\n{ids[1]},a\n")


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("id,topic\n1,a\n2,b,c\n", "labels.csv, row 3: 3 fields, the header has 2"),
        ("idd,topic\n1,a\n", "no value in column 'id' for source.join .did you mean 'idd'.*found idd, topic"),
        ("id,topic\n,a\n", "no value in column 'id' for source.join; found id, topic"),
        ("id,topic\n", "labels.csv: no value in column 'id' for source.join; found no rows"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_and_no_row_goes_missing(
    tmp_path: Path, labels: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path, "id,text\n1,a b\n2,c d\n", labels)
