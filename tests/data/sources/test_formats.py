"""Every malformed file gets one sentence that names file, row, found and expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.data.sources.record import Record
from components.errors import UserError
from tests.data.sources.reading import records


def test_a_list_of_columns_becomes_an_object(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good", "brand": "a&amp;b", "at": {"hour": 7}}\n{"text": "bad", "at": {}}\n')
    columns = {"text": "text", "categorical": ["brand", "at.hour"]}
    first, second = records(file, columns, format="jsonl", unescape_html=True)
    assert first.values == {"text": "good", "categorical": {"brand": "a&b", "at.hour": 7}}
    assert second.values == {"text": "bad", "categorical": {"brand": None, "at.hour": None}}
    with pytest.raises(UserError, match="no column 'colour' for categorical"):
        records(file, {"text": "text", "categorical": ["brand", "colour"]}, format="jsonl")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"text,label\ngood,up\nbad,down,extra\n", "row 3: 3 fields, the header has 2"),
        (b"text,label\ngood\n", "row 2: 1 fields, the header has 2"),
        (b"text,label\ncaf\xe9,up\n", ", line 2: byte 0xe9 is not"),
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


@pytest.mark.parametrize("format_", ["csv", "jsonl", "conll"])
def test_a_folder_in_place_of_a_file_is_one_sentence(tmp_path: Path, format_: str) -> None:
    with pytest.raises(UserError) as error:
        records(tmp_path, {"text": "0"}, format=format_)
    assert str(error.value) == f"{tmp_path}: cannot be read (Is a directory), expected a file"


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('\ufeff{"text": "good", "label": "up"}\n{"text": "\ufeffbad", "label": "down"}\n')
    assert [record.values["text"] for record in records(file, format="jsonl")] == ["good", "\ufeffbad"]


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
    with pytest.raises(UserError, match="row 1: 2 scores, .*texts has 3 texts"):
        records(tmp_path / "m", columns, format="pair_matrix", texts="texts")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-9", "unknown encoding 'utf-9'"),
        ("utf-16", "is not utf-16 .*; set `encoding`"),
        ("undefined", "is not undefined .*; set `encoding`"),
        ("utf\0", r"unknown encoding 'utf\\x00'"),
    ],
)
def test_an_encoding_that_cannot_be_tells_so_in_a_sentence(tmp_path: Path, encoding: str, said: str) -> None:
    (tmp_path / "a.csv").write_text("text,label\nx,up\n")
    with pytest.raises(UserError, match=said):
        records(tmp_path / "a.csv", encoding=encoding)


def test_html_is_unescaped_where_asked(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nyou &amp; me,up\n")
    assert records(tmp_path / "a.csv", unescape_html=True)[0].values["text"] == "you & me"
    assert records(tmp_path / "a.csv")[0].values["text"] == "you &amp; me"


def test_json_lines_may_leave_a_key_out_but_a_column_must_occur(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "x"}\n{"text": "y", "label": "up"}\n')
    assert [record.values["label"] for record in records(file, format="jsonl")] == [None, "up"]
    with pytest.raises(UserError, match=r"no column 'lable' for label \(did you mean 'label'\?\)"):
        records(file, {"text": "text", "label": "lable"}, format="jsonl")


def test_a_dotted_name_reaches_into_an_object(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": {"b": {"c": "x"}}, "label": "up"}\n{"a": null, "label": "up"}\n')
    found = records(tmp_path / "a.jsonl", {"text": "a.b.c", "label": "label"}, format="jsonl")
    assert [record.values["text"] for record in found] == ["x", None]
    with pytest.raises(UserError, match=r"no column 'a\.b\.d' for text"):
        records(tmp_path / "a.jsonl", {"text": "a.b.d"}, format="jsonl")


class TestColumnar:
    """Parquet and Arrow, with lists and objects kept as they are."""

    ROWS: ClassVar = [
        {"text": f"t{n}", "label": "up", "tags": ["a", "b"], "inner": {"x": n}} for n in range(10_000)
    ]
    COLUMNS: ClassVar = {"text": "text", "tags": "tags", "id": "inner.x"}

    def write(self, folder: Path, kind: str) -> Path:
        table, path = pa.Table.from_pylist(self.ROWS), folder / f"a.{kind}"
        if kind == "parquet":
            pq.write_table(table, path, row_group_size=3000)
        else:
            new = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
            with new(path, table.schema) as writer:
                writer.write_table(table, max_chunksize=1000)
        return path

    @pytest.mark.slow_after(1)
    @pytest.mark.parametrize("kind", ["parquet", "arrow", "arrows"])
    def test_all_rows_come_in_order(self, tmp_path: Path, kind: str) -> None:
        path = self.write(tmp_path, kind)
        found = records(path, self.COLUMNS, format=kind.removesuffix("s"))
        expected = [{"text": r["text"], "tags": r["tags"], "id": r["inner"]["x"]} for r in self.ROWS]
        assert [record.values for record in found] == expected
        assert found[-1].place == f"{path}, row 10000"

    @pytest.mark.parametrize("kind", ["parquet", "arrow"])
    def test_a_truncated_file_is_one_sentence(self, tmp_path: Path, kind: str) -> None:
        path = self.write(tmp_path, kind)
        path.write_bytes(path.read_bytes()[:-2000])
        with pytest.raises(
            UserError, match=r"a\.\w+, after row \d+: not a whole (Parquet|Arrow) file"
        ) as error:
            records(path, self.COLUMNS, format=kind)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("kind", ["parquet", "arrow"])
    @pytest.mark.parametrize("content", [b"", b"text,label\na,b\n"])
    def test_another_kind_of_file_is_one_sentence(self, tmp_path: Path, kind: str, content: bytes) -> None:
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(UserError, match="not a whole (Parquet|Arrow) file"):
            records(tmp_path / "a", format=kind)

    def test_a_text_that_is_not_utf8(self, tmp_path: Path) -> None:
        offsets = pa.py_buffer(np.array([0, 4, 8], np.int32))
        pq.write_table(
            pa.table({"text": pa.StringArray.from_buffers(2, offsets, pa.py_buffer(b"finecaf\xe9"))}),
            tmp_path / "a.parquet",
        )
        with pytest.raises(UserError, match=r"a\.parquet: column 'text' holds bytes that are not UTF-8"):
            records(tmp_path / "a.parquet", {"text": "text"}, format="parquet")


SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "T",
            "paragraphs": [
                {
                    "context": "Paris is big.",
                    "qas": [
                        {"id": "1", "question": "Where?", "answers": [{"text": "Paris", "answer_start": 0}]},
                        {
                            "id": "2",
                            "question": "Who?",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "Paris", "answer_start": 0}],
                        },
                    ],
                }
            ],
        }
    ],
}


class TestSquad:
    COLUMNS: ClassVar = {"question": "question", "context": "context", "answers": "answers", "id": "id"}

    def read(self, path: Path, content: str) -> list[Record]:
        path.write_text(content)
        return records(path, self.COLUMNS, format="squad")

    def test_a_row_for_each_question(self, tmp_path: Path) -> None:
        first, second = self.read(tmp_path / "a.json", json.dumps(SQUAD))
        assert first.values["answers"] == [{"text": "Paris", "start": 0}]
        assert (first.values["context"], first.values["question"]) == ("Paris is big.", "Where?")
        assert (second.values["id"], second.values["answers"]) == ("2", [])

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            ('{"data": [{"paragraphs": [{"qas": [{"id": "1"}]}]}]}', "after question 1: no 'context'"),
            ('{"data": [{"title": "T"}]}', "after question 1: no 'context'"),
            ('{"data": ["x"]}', "after question 0: not the objects of SQuAD"),
            ('{"rows": []}', "no articles under 'data'"),
            ('{"data": [{"paragraphs": [', "not JSON"),
            ("", "not JSON"),
        ],
    )
    def test_another_shape_is_one_sentence(self, tmp_path: Path, content: str, expected: str) -> None:
        with pytest.raises(UserError, match=expected):
            self.read(tmp_path / "a.json", content)


def test_a_pattern_names_several_files(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"part-{number}.csv").write_text(f"text,label\nx{number},up\n")
    found = records(tmp_path, files={"train": "part-*.csv"})
    assert [record.values["text"] for record in found] == ["x1", "x2"]
    with pytest.raises(UserError, match=r"no file fits 'shard-\*\.csv'"):
        records(tmp_path, files={"train": "shard-*.csv"})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for kind in ("csv", "parquet", "arrow", "squad"):
        with pytest.raises(UserError, match=r"no such file; see source\.path"):
            records(tmp_path / "a", format=kind)
