"""What is wrong with a command, its input or its output is one sentence."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from flows import cli
from flows.commands import predict
from flows.predicting import file
from tests.flows.predicting.files import TEXTS, Ask


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a mistake of ours")])
def test_what_goes_wrong_while_answers_are_written_is_not_said_of_the_input(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: Any) -> None:
        raise error

    Path("in.csv").write_text("text\nada\n")
    monkeypatch.setattr(file.Part, "keep", fails)
    with pytest.raises(type(error)) as raised:
        ask("in.csv", "out.csv")
    assert raised.value is error


@pytest.mark.parametrize(("words", "sentence"), [
    ([], "predict: expected a TEXT, or a file: --input FILE --output FILE"),
    (["ada", "--input", "a.csv"], "predict: expected a TEXT, or a file: --input FILE --output FILE"),
    (["--input", "a.csv"], "predict: --input and --output go together"),
    (["ada", "--output", "a.csv"], "predict: --input and --output go together"),
    (["--input", "a.csv", "--output", "b.csv", "--url", "http://a"], "predict: --url is for one TEXT, not for a file"),
    (["--input", "a.csv", "--output", "b.csv", "--pair", "b"], "predict: --pair is for one TEXT, not for a file"),
    (["--input", "", "--output", "b.csv"], "predict: found an empty name of a file after --input or --output"),
    (["--input", "a.csv", "--output", ""], "predict: found an empty name of a file after --input or --output"),
    (["--input", "a", "--output", "b", "--column", "text=a", "--column", "text=b"], "predict: --column says twice"),
    (["ada", "--column", "text=a"], "predict: --column says where --input has what the tasks read"),
])  # fmt: skip
def test_words_that_do_not_go_together_are_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        predict.check(cli.parser().parse_args(["predict", *words]))
    assert str(error.value).startswith(sentence)


def test_an_output_that_is_there_already_is_left_alone(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "Answerer", None)  # no model is loaded to find that out
    Path("in.csv").write_text("text\nada\n")
    Path("out.csv").write_text("precious")
    with pytest.raises(UserError, match=r"^out\.csv: is there already; remove it, or name another --output$"):
        ask("in.csv", "out.csv")
    assert Path("out.csv").read_text() == "precious"


def parquet(names: list[str]) -> bytes:
    """A file with columns of these names."""
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(["a"])] * len(names), names=names), file)
    return file.getvalue()


def far_off() -> bytes:
    """A file with dates within an object, of a year that Python has none for."""
    file = io.BytesIO()
    when = pa.array([{"day": 10**7}], pa.struct({"day": pa.date32()}))
    pq.write_table(pa.table({"text": ["a"], "when": when}), file)
    return file.getvalue()


def flipped() -> bytes:
    """A file with checksums, and a byte that is another."""
    file = io.BytesIO()
    pq.write_table(
        pa.table({"text": TEXTS}), file, write_page_checksum=True, compression="none", use_dictionary=False
    )
    return file.getvalue().replace(b"ada was in rome 20", b"ada was in room 20")


TORN = gzip.compress(b"text\n" + b"".join(b"%d\n" % (number**3) for number in range(9000)))
TORN = TORN[:2000] + b"\x00" * 2000 + TORN[4000:]  # damaged in the middle
MISTAKES: list[tuple[bytes, dict[str, Any], str]] = [
    (b"", {}, "in.csv: the file is empty, expected a header and rows"),
    (b"text\n", {}, "in.csv: no rows"),
    (b"body,id\na,1\n", {}, "in.csv: has the columns body, id, expected text; or text and text_pair; name the column"),
    (b"id,at,body,\n7,2026-11-20T08:00:00Z,it was late and nobody came,\n8,2026-11-20T08:00:01Z,\"no, not at all, thank you\",\n", {},
     "in.csv: has the columns id, at, body, one without a name, expected text; or text and text_pair; name the column of an "
     "input with --column, for example --column text=body"),
    (b"id,what was said\n7,it was late\n", {}, "in.csv: has the columns id, what was said, expected text; or text and "
     "text_pair; name the column of an input with --column, for example --column 'text=what was said'"),
    (b"id,text\n7777,a\n", {"tasks": ["similarity"]}, "in.csv: has the columns id, text, expected text and text_pair; name the "
     "column of an input with --column, for example --column text_pair=id"),
    (b"text,text\na,b\n", {}, "in.csv: two columns are called 'text'; rename one"),
    (b"text,error\na,b\n", {}, "the input has a column 'error', which the output would have twice; rename it"),
    (b"text\na\n", {"tasks": ["sentment"]}, "--task: unknown task 'sentment' (did you mean 'sentiment'?)"),
    (b"text\na\n", {"tasks": ["similarity"]}, "in.csv: has the columns text, expected text and text_pair"),
    (b"body\na\n", {"txt": "body"}, "--column: no task reads 'txt' (did you mean 'text'?); they read text, text_pair"),
    (b"body\na\n", {"text": "boddy"}, "in.csv: has the columns body, expected boddy"),
    (b"text\na\n", {"target": "out.xlsx"}, "out.xlsx: unknown kind of file, expected a name that ends in one of .csv"),
    (b"text\na\n", {"target": "out.parquet.gz"}, "out.parquet.gz: Parquet is compressed within, expected a name"),
    (b"text\na\n", {"target": "https://a/out.csv"}, "https://a/out.csv: can only be read, expected a file, or an address"),
    (b"text\na\n", {"target": "in.csv/out.csv"}, "in.csv/out.csv: cannot be written (File exists)"),
    (b"text\na\n", {"source": "in.txt"}, "in.txt: unknown kind of file"),
    (b"text\na\n", {"source": "in.csv.zst"}, "in.csv.zst: unknown kind of file, expected a name that ends in one of .csv, .tsv, "
     ".jsonl, .parquet, and all but .parquet may have .gz behind it"),
    (b"text\na\n", {"source": "gone.csv"}, "gone.csv: no such file"),
    (b"PAR1 no", {"source": "in.parquet"}, "in.parquet: not a whole Parquet file"),
    (b"text\na\n", {"source": "in.csv.gz"}, "in.csv.gz: not a whole file of gzip"),
    (b"text\na\n", {"source": "gopher://a/in.csv"}, "gopher://a/in.csv: Protocol not known"),
    (TORN, {"source": "in.csv.gz"}, "in.csv.gz: not a whole file of gzip"),
    ("text\nada\n".encode("utf-16"), {}, "in.csv: the file is UTF-16, expected UTF-8"),
    ("text\nada\n".encode("utf-32"), {}, "in.csv: the file is UTF-32, expected UTF-8"),
    (b"text\rada\rbob\r", {}, "in.csv: its lines end in carriage returns alone"),
    (b"text\nada\n\"bob\ncy\n", {}, "in.csv: row 2: a quote is opened and not closed within"),
    (b'"text,no\nada,1\nbob,2\n', {}, "in.csv: in its header a quote is opened and not closed; close it, or write it twice"),
    (b"sep=;\n\n", {}, "in.csv: the file is empty, expected a header and rows"),
    (b"text,,\na,b,c\n", {}, "in.csv: two columns have no name; rename one"),
    (flipped(), {"source": "in.parquet"}, "in.parquet: damaged ("),
    (parquet(["text", "text"]), {"source": "in.parquet"}, "in.parquet: two columns are called 'text'; rename one"),
    (parquet([]), {"source": "in.parquet"}, "in.parquet: has no columns"),
    (b'[{"text": "a"}]\n', {"source": "in.jsonl"}, "in.jsonl: is one JSON document, expected an object a line"),
    (b'[\n {"text": "a"}\n]\n', {"source": "in.jsonl"}, "in.jsonl: is one JSON document, expected an object a line"),
    (b"text,caf\xe9\na,b\n", {}, "in.csv: its header has bytes that are not UTF-8; save the file as UTF-8"),
    (far_off(), {"source": "in.parquet"}, "in.parquet: column 'when' cannot be read (date value out of range)"),
    (b"\x00\x01\xff\n", {}, "in.csv: its first line is no text, expected the names of columns"),
]  # fmt: skip


def test_where_no_column_has_texts_none_is_suggested(ask: Ask) -> None:
    Path("in.csv").write_text("id,\n,\n")
    with pytest.raises(
        UserError, match=r"has the columns id, one without a name, .* of an input with --column$"
    ):
        ask("in.csv", "out.csv")


def test_a_folder_is_no_file(ask: Ask) -> None:
    Path("in.csv").mkdir()
    with pytest.raises(UserError, match=r"^in\.csv: is a folder, expected a file$"):
        ask("in.csv", "out.csv")


def test_a_path_that_no_file_can_have_is_not_to_be_tried_again(ask: Ask) -> None:
    Path("loop.csv").symlink_to("loop.csv")
    for name, why in (("loop.csv", "symbolic links"), ("a" * 300 + ".csv", "too long")):
        with pytest.raises(UserError, match=why):
            ask(name, "out.csv")


def test_what_is_asked_wrongly_is_said_before_a_model_is_loaded(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.predictor.Predictor", None)
    asked = [one for one in MISTAKES if one[2].startswith("--") or ": has the columns" in one[2]]
    assert {one[2].split()[0] for one in asked} >= {"--task:", "--column:", "in.csv:"}
    for content, changes, sentence in asked:
        Path("in.csv").write_bytes(content)
        with pytest.raises(UserError) as error:
            ask(**{"source": "in.csv", "target": "out.csv", **changes})
        assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(("content", "changes", "sentence"), MISTAKES, ids=[one[2][:50] for one in MISTAKES])
def test_a_mistake_is_one_sentence(ask: Ask, content: bytes, changes: dict[str, Any], sentence: str) -> None:
    given = {"source": "in.csv", "target": "out.csv", **changes}
    if given["source"] != "gone.csv" and "://" not in given["source"]:
        Path(given["source"]).write_bytes(content)
    with pytest.raises(UserError) as error:
        ask(**given)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)
    assert not Path("out.csv").exists()
