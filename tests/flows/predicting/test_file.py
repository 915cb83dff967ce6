"""A file of questions -> a file of answers, by a tiny random model in this process."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from flows import cli
from flows.commands import predict
from flows.predicting import answering, file, reading
from serving.predictor import Predictor
from tests.serving import tiny

TEXTS = [f"ada was in rome {'again ' * (number % 5)}{number}" for number in range(40)]
Ask = Callable[..., tuple[int, int]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "model"
    tiny.write_model(folder)
    return folder


@pytest.fixture
def ask(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Answer `source` into `target`; rows come in windows of eight, and are asked three at a time."""
    monkeypatch.setattr(answering, "WINDOW", (8, 10_000))
    monkeypatch.setattr(answering, "TOGETHER", (3, 10_000))
    monkeypatch.chdir(tmp_path)

    def call(source: str, target: str, tasks: Sequence[str] | None = None, **columns: str) -> tuple[int, int]:
        return file.run(tmp_path, bundle, source, target, tasks, columns)

    return call


def write_lines(name: str, rows: Sequence[Any]) -> None:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def save(name: str, rows: list[dict[str, str]]) -> None:
    """As other programs write such a file."""
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), name)
        return
    with (gzip.open if name.endswith(".gz") else open)(name, "wt", newline="") as opened:
        if "jsonl" in name:
            opened.writelines(json.dumps(row) + "\n" for row in rows)
            return
        writer = csv.DictWriter(opened, list(rows[0]), delimiter="\t" if "tsv" in name else ",")
        writer.writeheader()
        writer.writerows(rows)


def load(name: str) -> list[dict[str, Any]]:
    """As other programs read it."""
    if name.endswith(".parquet"):
        return pq.read_table(name).to_pylist()
    with (gzip.open if name.endswith(".gz") else open)(name, "rt", newline="") as opened:
        if "jsonl" in name:
            return [json.loads(line) for line in opened]
        return list(csv.DictReader(opened, delimiter="\t" if "tsv" in name else ","))


@pytest.mark.slow
def test_every_row_gets_the_answer_that_the_service_gives_it_in_the_order_of_the_file(
    ask: Ask, bundle: Path
) -> None:
    write_lines("in.jsonl", [{"id": number, "text": text} for number, text in enumerate(TEXTS)])
    assert ask("in.jsonl", "out.jsonl", ["sentiment", "ner"]) == (40, 0)
    rows = load("out.jsonl")
    assert [row["id"] for row in rows] == list(range(40))
    predictor = Predictor(bundle)
    for text, row in zip(TEXTS, rows, strict=True):
        (alone,) = predictor.predict([text], ["sentiment", "ner"])
        assert row["answers"]["ner"] == alone["ner"].model_dump()
        found, expected = row["answers"]["sentiment"], alone["sentiment"].model_dump()
        assert found["label"] == expected["label"]
        assert found["probability"] == pytest.approx(expected["probability"], abs=1e-5)
    assert not list(Path(".onetrunk/predictions").iterdir())


def test_each_task_reads_its_own_columns_of_a_row(ask: Ask) -> None:
    """`similarity` reads two texts, the others one."""
    write_lines("in.jsonl", [{"body": "ada", "other": "bob"}, {"body": "ada"}])
    assert ask("in.jsonl", "out.jsonl", text="body", text_pair="other") == (2, 0)
    both, one = load("out.jsonl")
    assert set(both["answers"]) == {"sentiment", "ner", "similarity"}
    assert set(one["answers"]) == {"sentiment", "ner"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "parquet", "jsonl.gz"])
def test_any_kind_of_file_becomes_any_other(ask: Ask, kind: str) -> None:
    rows = [{"id": str(number), "text": f'{text}, "so" it was\n'} for number, text in enumerate(TEXTS[:10])]
    write_lines("in.jsonl", rows)
    assert ask("in.jsonl", f"out.{kind}", ["sentiment"]) == (10, 0)
    given = load(f"out.{kind}")
    assert [{"id": row["id"], "text": row["text"]} for row in given] == rows
    save(f"in.{kind}", rows)
    assert ask(f"in.{kind}", "back.jsonl", ["sentiment"]) == (10, 0)
    assert [{"id": row["id"], "text": row["text"]} for row in load("back.jsonl")] == rows


def test_a_table_has_a_column_for_each_part_of_each_answer(ask: Ask) -> None:
    write_lines("in.jsonl", [{"text": "ada", "when": [1, 2]}])
    ask("in.jsonl", "out.csv")
    (row,) = load("out.csv")
    assert row["when"] == "[1, 2]"
    assert row["sentiment.label"] in ("negative", "neutral", "positive")
    assert 0 < float(row["sentiment.probability"]) <= 1
    assert isinstance(json.loads(row["ner.entities"]), list)
    assert (row["similarity.score"], row["error"]) == ("", "")
    ask("in.jsonl", "out.parquet")
    assert pq.read_schema("out.parquet").field("sentiment.probability").type == pa.float64()


def test_a_row_that_cannot_be_answered_is_kept_with_its_reason(ask: Ask) -> None:
    good = json.dumps({"text": "ada"}).encode()
    bad = [b"{torn", b'{"text": 7}', b'{"body": "ada"}', b'{"text": "caf\xe9"}', b'{"text": null}', b"[1]"]
    lines = [line for one in bad for line in (one, good)]
    Path("in.jsonl").write_bytes(b"\n".join(lines))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (12, 6)
    rows = load("out.jsonl")
    assert all(row["answers"] and "error" not in row for row in rows[1::2])
    reasons = [row["error"] for row in rows[::2]]
    for number, (reason, expected) in enumerate(zip(reasons, [
        "not JSON", "text: found a number", "nothing to read, expected text", "bytes that are not UTF-8",
        "nothing to read, expected text", "text: found a list",
    ], strict=True)):  # fmt: skip
        assert reason.startswith(f"row {2 * number + 1}: {expected}")


def test_what_cannot_be_read_of_a_row_is_kept_as_it_stands(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = "9" * 5000
    bad = ['{"text": "a", "text": "b"}', "{torn", "[" * 100_000, f'{{"text": "a", "n": {digits}}}']
    Path("in.jsonl").write_text("\n".join([*bad, '{"text": "a \\ud800"}', '{"text": "fine", "x": NaN}']))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (6, 5)
    rows = load("out.jsonl")
    assert [row["line"] for row in rows[:4]] == bad
    assert [row["error"] for row in rows[:5]] == [
        "row 1: not JSON (the key 'text' is there twice)",
        "row 2: not JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
        "row 3: nested too deeply",
        "row 4: not JSON (Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits)",
        "row 5: half a character (a lone surrogate)",
    ]
    assert (rows[5]["answers"].keys(), rows[5]["x"]) == ({"sentiment"}, None)  # which is JSON
    monkeypatch.setattr(reading, "LONGEST", 1000)
    long = "w" * 1001
    Path("in.csv").write_text(f"text,id\nad\ra,1\n{long},2\nfine,3\n", newline="")
    assert ask("in.csv", "out2.jsonl", ["sentiment"]) == (3, 2)
    torn, large, fine = load("out2.jsonl")
    assert (torn["text"], torn["error"]) == ("ad\ra,1\n", "row 1: not a row (a carriage return within it)")
    assert large["text"] == f"{long},2\n"
    assert large["error"] == "row 2: not a row (a field has more than 1,000 characters)"
    assert fine["answers"]
    Path("in.csv").write_text('text\n"' + "w\n" * 501 + '"\n')
    with pytest.raises(UserError, match=r"row 1: a quote is opened and not closed within 1,000 characters"):
        ask("in.csv", "out3.jsonl")


def test_a_line_that_is_too_long_for_the_memory_is_one_sentence_however_small_the_file(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two megabytes of gzip may be two gigabytes of text."""
    monkeypatch.setattr(reading, "LONGEST", 1000)
    monkeypatch.setattr(reading, "LONGEST_LINE", 5000)
    write_lines("in.jsonl", [{"text": "w" * 2000}, {"text": "ada"}])
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (2, 1)
    assert load("out.jsonl")[0]["error"] == "row 1: more than 1,000 characters"
    for name, header in (("bomb.jsonl.gz", b'"ada"\n"'), ("bomb.csv.gz", b"text\n"), ("bomb.csv.gz", b"")):
        Path(name).write_bytes(gzip.compress(header + b"w" * 9000))
        line = header.count(b"\n") + 1
        with pytest.raises(UserError, match=rf"^{name}: line {line} has 5,000 bytes or more"):
            ask(name, "out2.jsonl", ["sentiment"])


def test_bytes_in_a_column_are_no_text(ask: Ask) -> None:
    pq.write_table(pa.table({"text": [b"ada"], "x": [float("nan")]}), "in.parquet")
    assert ask("in.parquet", "out.csv", ["sentiment"]) == (1, 1)
    (row,) = load("out.csv")
    assert (row["error"], row["x"]) == ("row 1: found bytes, expected text", "nan")


def test_moments_that_python_has_none_for_are_text(ask: Ask) -> None:
    moments = {
        "day": pa.array([10**7, None], pa.date32()),
        "year": pa.array([-(10**18), 0], pa.timestamp("us")),
        "zone": pa.array([1_000_000, None], pa.timestamp("us", tz="Mars/Olympus")),
        "long": pa.array([9 * 10**17, 1], pa.duration("s")),
    }
    pq.write_table(pa.table({"text": ["ada", "bob"], **moments}), "in.parquet")
    assert ask("in.parquet", "out.jsonl") == (2, 0)
    first, second = map(json.loads, Path("out.jsonl").read_text().splitlines())
    assert (first["day"], second["day"]) == ("29349-01-26", None)
    assert first["year"].startswith("-29719-04-05 22:13:20")
    assert first["zone"].startswith("1970-01-01 00:00:01")
    assert (first["long"], second["long"]) == ("900000000000000000", "1")


def test_a_torn_row_of_a_table_is_kept_with_its_reason(ask: Ask) -> None:
    Path("in.csv").write_bytes(b"text;id\nada;1\nada;2;3\n\nbob;4\ncaf\xe9;5\n")
    assert ask("in.csv", "out.csv") == (4, 2)
    rows = load("out.csv")
    assert [row["id"] for row in rows] == ["1", "2;3", "4", "5"]  # what is too much is not lost
    assert rows[1]["error"] == "row 2: 3 fields, the header has 2"
    assert (rows[3]["text"], rows[3]["error"]) == (
        "caf\\udce9",
        f"row 4: bytes that are not UTF-8; {reading.SAVE}",
    )


@pytest.mark.slow
def test_an_interrupted_command_goes_on_and_comes_to_the_same_bytes(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS])
    ask("in.jsonl", "whole.jsonl")
    asked: list[int] = []
    answer = answering.Answerer.answer

    def interrupted(self: answering.Answerer, window: Any) -> Any:
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(len(window))
        return answer(self, window)

    monkeypatch.setattr(answering.Answerer, "answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask("in.jsonl", "out.jsonl")
    assert not Path("out.jsonl").exists()
    asked.clear()
    assert ask("in.jsonl", "out.jsonl") == (40, 0)
    assert asked == [8, 8]
    assert Path("out.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()


def test_who_writes_into_the_files_of_a_model_that_answers_changes_no_answer(
    bundle: Path, tmp_path: Path
) -> None:
    """As `cp` of another Bento over one that is served does."""
    predictor = Predictor(shutil.copytree(bundle, tmp_path / "model"))
    before = predictor.predict(TEXTS, ["sentiment"])
    weights = tmp_path / "model/model.safetensors"
    with weights.open("r+b") as file:
        file.write(bytes(weights.stat().st_size))
    assert predictor.predict(TEXTS, ["sentiment"]) == before


def test_after_an_upgrade_that_cuts_other_windows_no_row_is_there_twice(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS])
    with monkeypatch.context() as context:
        context.setattr(file.writing, "write", lambda *_: pytest.fail("the power is gone"))
        with pytest.raises(pytest.fail.Exception):
            ask("in.jsonl", "out.jsonl", ["sentiment"])
    monkeypatch.setattr(answering, "WINDOW", (7, 10_000))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (40, 0)
    assert [row["text"] for row in load("out.jsonl")] == TEXTS


def test_what_is_called_whole_is_on_the_disk(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a power cut would leave a torn file that the same command puts in its place."""
    flushed: list[str] = []
    real = file.fsync
    monkeypatch.setattr(file, "fsync", lambda path: flushed.append(path.name) or real(path))
    real_done = file.atomic_file

    def done(path: Path) -> Any:
        flushed.append(path.name)
        return real_done(path)

    monkeypatch.setattr(file, "atomic_file", done)
    Path("in.csv").write_text("text\nada\n")
    ask("in.csv", "out.csv", ["sentiment"])
    assert flushed == ["of.json", "00000000.jsonl", "output", "done.json", "out.csv"]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_what_nests_too_deeply_is_kept_with_its_reason_wherever_reading_it_just_works(
    ask: Ask, kind: str
) -> None:
    """Whatever writes it again may not."""
    deep = [
        f'{{"text": "ada", "more": {"[" * depth}{"]" * depth}}}' for depth in (400, 500, *range(900, 1000, 3))
    ]
    Path("in.jsonl").write_text("\n".join(deep))
    rows, unreadable = ask("in.jsonl", f"out.{kind}", ["sentiment"])
    assert (rows, unreadable) == (len(deep), len(deep) - 1)
    assert {row["error"].partition(": ")[2] for row in load(f"out.{kind}")[1:]} == {"nested too deeply"}


def test_killed_after_the_output_stands_the_command_ends_well_and_keeps_nothing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS[:9]] + [{"text": 7}])
    with monkeypatch.context() as context:
        context.setattr(file.Part, "_end", lambda _: pytest.fail("the power is gone"))
        with pytest.raises(pytest.fail.Exception):
            ask("in.jsonl", "out.jsonl")
    before = Path("out.jsonl").read_bytes(), Path("out.jsonl").stat().st_ino
    with monkeypatch.context() as context:
        context.setattr(answering.Answerer, "answer", lambda *_: pytest.fail("answered again"))
        assert ask("in.jsonl", "out.jsonl") == (10, 1)
    assert (Path("out.jsonl").read_bytes(), Path("out.jsonl").stat().st_ino) == before  # nor written again
    assert not list(Path(".onetrunk/predictions").iterdir())


def test_what_is_kept_goes_at_once_and_what_a_killed_command_left_of_it_later(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it would say that the output which stands is another's."""
    Path("in.csv").write_text("text\nada\n")

    def killed(folder: Path, **_: Any) -> None:
        for file_ in folder.glob("done.json"):
            file_.unlink()
            pytest.fail("the power is gone")

    with monkeypatch.context() as context:
        context.setattr(file.shutil, "rmtree", killed)
        with pytest.raises(pytest.fail.Exception):
            ask("in.csv", "out.csv", ["sentiment"])
    (left,) = Path(".onetrunk/predictions").iterdir()
    assert left.name.endswith(".gone")
    Path("out.csv").unlink()
    assert ask("in.csv", "out.csv", ["sentiment"]) == (1, 0)
    assert not list(Path(".onetrunk/predictions").iterdir())


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


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_half_a_character_within_a_list_or_a_name_is_written_as_an_escape(ask: Ask, kind: str) -> None:
    Path("in.jsonl").write_text('{"text": "ada", "tags": ["\\ud83d"], "k\\ud83d": 1}\n')
    assert ask("in.jsonl", f"out.{kind}", ["sentiment"]) == (1, 0)
    (row,) = load(f"out.{kind}")
    assert row["sentiment.label"] if kind != "jsonl" else row["answers"]
    assert row["tags"] == (["\ud83d"] if kind == "jsonl" else '["\\ud83d"]')


def test_a_changed_input_is_answered_anew_and_that_is_said(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS])
    with monkeypatch.context() as context:
        context.setattr(file.writing, "write", lambda *_: pytest.fail("the power is gone"))
        with pytest.raises(pytest.fail.Exception):
            ask("in.jsonl", "out.jsonl")
    write_lines("in.jsonl", [{"text": text.upper()} for text in TEXTS[:9]])
    capsys.readouterr()
    assert ask("in.jsonl", "out.jsonl") == (9, 0)
    assert capsys.readouterr().err.startswith("in.jsonl: begun anew, since the file, the model or what is ")
    assert not list(Path(".onetrunk/predictions").iterdir())  # nothing of the earlier attempt stays
    assert [row["text"] for row in load("out.jsonl")] == [text.upper() for text in TEXTS[:9]]


def test_an_input_that_changes_while_it_is_answered_is_one_sentence_and_no_output(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines("in.jsonl", [{"text": text} for text in TEXTS[:9]])
    answer = answering.Answerer.answer

    def grows(self: answering.Answerer, window: Any) -> Any:
        with Path("in.jsonl").open("a") as opened:
            opened.write('{"text": "more"}\n')
        return answer(self, window)

    with monkeypatch.context() as context:
        context.setattr(answering.Answerer, "answer", grows)
        with pytest.raises(UserError, match=r"^in\.jsonl: has changed while its rows were answered"):
            ask("in.jsonl", "out.jsonl", ["sentiment"])
    assert not Path("out.jsonl").exists()
    rows = len(load("in.jsonl"))
    assert ask("in.jsonl", "out.jsonl", ["sentiment"]) == (rows, 0)


def test_input_and_output_may_be_at_any_address(ask: Ask) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/box/in.csv.gz", gzip.compress(b"text\nada\nbob\n"))
    assert ask("memory://box/in.csv.gz", "memory://box/out.jsonl") == (2, 0)
    assert [json.loads(line)["text"] for line in memory.cat("/box/out.jsonl").splitlines()] == ["ada", "bob"]
    with zipfile.ZipFile("all.zip", "w") as packed:
        packed.writestr("in.csv", "text\nada\n")
    assert ask("zip://in.csv::all.zip", "out.csv.gz") == (1, 0)
    Path("why?.csv").write_text("text\nada\n")
    assert ask("why?.csv", "why?.jsonl") == (1, 0)
    assert [row["text"] for row in load("out.csv.gz") + load("why?.jsonl")] == ["ada", "ada"]


def test_the_command_says_how_many_rows_have_no_answer_and_ends_with_one(
    ask: Ask, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --column, of the model that is here."""
    shutil.copytree(bundle, "models/multitask")
    Path("in.csv").write_text("body\nada\n")
    command = ["predict", "--candidate", "--input", "in.csv", "--column", "text=body", "--output"]
    assert predict.run(cli.parser().parse_args([*command, "good.csv"])) == 0
    assert capsys.readouterr().out == "good.csv: 1 rows\n"
    Path("in.csv").write_text("body\nada\nbob,7\n")
    assert predict.run(cli.parser().parse_args([*command, "bad.csv"])) == 1
    assert capsys.readouterr().out == "bad.csv: 2 rows; 1 of them could not be answered, see `error` there\n"


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


def test_an_output_that_is_there_already_is_left_alone(ask: Ask) -> None:
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
    (b"text\na\n", {"source": "gone.csv"}, "gone.csv: no such file"),
    (b"PAR1 no", {"source": "in.parquet"}, "in.parquet: not a whole Parquet file"),
    (b"text\na\n", {"source": "in.csv.gz"}, "in.csv.gz: not a whole file of gzip"),
    (b"text\na\n", {"source": "gopher://a/in.csv"}, "gopher://a/in.csv: Protocol not known"),
    (TORN, {"source": "in.csv.gz"}, "in.csv.gz: not a whole file of gzip"),
    ("text\nada\n".encode("utf-16"), {}, "in.csv: the file is UTF-16, expected UTF-8"),
    (b"text\rada\rbob\r", {}, "in.csv: its lines end in carriage returns alone"),
    (b"text\nada\n\"bob\ncy\n", {}, "in.csv: row 2: a quote is opened and not closed within"),
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


def test_a_folder_is_no_file(ask: Ask) -> None:
    Path("in.csv").mkdir()
    with pytest.raises(UserError, match=r"^in\.csv: is a folder, expected a file$"):
        ask("in.csv", "out.csv")


def test_a_path_that_no_file_can_have_is_not_to_be_tried_again(ask: Ask) -> None:
    Path("loop.csv").symlink_to("loop.csv")
    for name, why in (("loop.csv", "symbolic links"), ("a" * 300 + ".csv", "too long")):
        with pytest.raises(UserError, match=why):
            ask(name, "out.csv")


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
