"""A file of questions -> a file of answers, by a tiny random model in this process."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import zipfile
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import cli
from flows.commands import predict
from serving.predictor import Predictor
from tests.flows.predicting.files import TEXTS, Ask, load, write_lines


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
