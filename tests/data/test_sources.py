"""Every malformed file gets one sentence that names file, row, found and expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.data.sources import read
from components.errors import UserError
from components.settings import Source

COLUMNS = {"text": "text", "label": "label"}


def records(path: Path, columns: dict[str, str] = COLUMNS, **source):
    source.setdefault("format", "csv")
    return list(read(Source(path=str(path), **source), columns))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"text,label\ngood,up\nbad,down,extra\n", "row 3: 3 fields, the header has 2"),
        (b"text,label\ngood\n", "row 2: 1 fields, the header has 2"),
        (b"text,label\ncaf\xe9,up\n", "byte 0xe9 after line"),
        (b"", "the file is empty"),
        (b"text,label\n", "no rows"),
        (b"text,lable\ngood,up\n", "no column 'label' for label (did you mean 'lable'?); found text, lable"),
        (b'text,label\n"good,up\n', "not valid csv"),
    ],
)
def test_a_malformed_csv_is_one_sentence(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(UserError) as error:
        records(file)
    assert expected in str(error.value)
    assert "a.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_one_megabyte_in_one_field_is_read(tmp_path: Path) -> None:
    """It is validation's place to complain of the length, with the row's id."""
    (tmp_path / "a.csv").write_text(f"text,label\n{'x' * 1_000_000},up\n")
    assert len(records(tmp_path / "a.csv")[0].values["text"]) == 1_000_000


def test_quoted_line_breaks_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufefftext,label\n"two\nlines",up\nb,down\n', encoding="utf-8")
    found = records(tmp_path / "a.csv")
    assert [record.values["text"] for record in found] == ["two\nlines", "b"]
    assert found[1].place.endswith("row 4")


def test_jsonl(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "label": "up"}\n\n{"text": \n')
    with pytest.raises(UserError, match="row 3: not JSON"):
        records(tmp_path / "a.jsonl", format="jsonl")
    (tmp_path / "b.jsonl").write_text("[1]\n")
    with pytest.raises(UserError, match="row 1: list, expected an object"):
        records(tmp_path / "b.jsonl", format="jsonl")


def test_conll_sentences_and_a_word_without_its_tag(tmp_path: Path) -> None:
    file = tmp_path / "a.conll"
    file.write_text("-DOCSTART- O\n\nEU B-ORG\nrejects O\n\n\nPeter B-PER\n")
    columns = {"tokens": "0", "tags": "1"}
    found = [record.values for record in records(file, columns, format="conll")]
    assert found == [
        {"tokens": ["EU", "rejects"], "tags": ["B-ORG", "O"]},
        {"tokens": ["Peter"], "tags": ["B-PER"]},
    ]
    file.write_text("EU B-ORG\nrejects\n")
    with pytest.raises(UserError, match="row 2: 1 columns, the sentence's first word has 2"):
        records(file, columns, format="conll")


def test_pair_matrix_gives_the_upper_triangle(tmp_path: Path) -> None:
    (tmp_path / "texts").write_text("a\nb\nc\n")
    (tmp_path / "m").write_text("1 .1 .2\n0 1 .3\n0 0 1\n")
    columns = {"text": "text", "text_pair": "text_pair", "score": "score"}
    found = [
        tuple(r.values.values())
        for r in records(tmp_path / "m", columns, format="pair_matrix", texts="texts")
    ]
    assert found == [("a", "b", ".1"), ("a", "c", ".2"), ("b", "c", ".3")]
    (tmp_path / "m").write_text("1 .1\n0 1\n")
    with pytest.raises(UserError, match="2 rows, but .*texts has 3 texts"):
        records(tmp_path / "m", columns, format="pair_matrix", texts="texts")


def test_unknown_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nx,up\n")
    with pytest.raises(UserError, match="unknown encoding 'utf-9'"):
        records(tmp_path / "a.csv", encoding="utf-9")


def test_html_is_unescaped_where_asked(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nyou &amp; me,up\n")
    assert records(tmp_path / "a.csv", unescape_html=True)[0].values["text"] == "you & me"
    assert records(tmp_path / "a.csv")[0].values["text"] == "you &amp; me"
