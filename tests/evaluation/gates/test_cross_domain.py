"""Cross-domain: test sets of other places, read as a task's own source is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from components import params
from components.errors import UserError
from components.evaluation import gate as gate_of_release
from components.evaluation.gates import files
from components.evaluation.records import Evaluation, Verdict
from tests.evaluation.gates.conftest import Judge

OTHERS = ["splendid plane from rome", "dreadful train at night", "good boat to oslo", "bad bus in town"]


def gate(**test: Any) -> dict[str, Any]:
    source = {"path": "sources/other.csv", "format": "csv", "labels": ["down", "up"]}
    tests = {"mood": {"elsewhere": {"source": source, "columns": {"text": "body", "label": "said"}, **test}}}
    return {"cross_domain": {"tests": tests, "min_rows": 10}}


def write(rows: list[tuple[str, str]]) -> None:
    lines = ["body,said", *(f"{text},{label}" for text, label in rows)]
    Path("sources/other.csv").write_text("\n".join(lines) + "\n")


def judged(found: Evaluation) -> Verdict:
    return gate_of_release.verdict(found, gate_of_release.rules_of(params.load()))


def test_both_models_are_measured_on_rows_that_no_training_saw(judge: Judge) -> None:
    known = pq.read_table("data/mood/train.parquet")["text"].to_pylist()[:3]
    rows = [(f"{OTHERS[n % 4]} {n}", "up" if n % 4 % 2 == 0 else "down") for n in range(40)]
    write([*rows, *((text, "up") for text in known)])
    found = judge(gate())
    (one,) = found.tasks["mood"].findings
    assert one.what == "elsewhere (3 of its rows are in the training data and left out)"
    assert one.rows == 40 and 0 <= one.value <= 1
    assert one.champion and one.champion.difference == 0 and one.margin == 0.5
    assert found.tasks["people"].findings == []


def test_a_floor_there_rejects_where_the_task_itself_holds_its_own(judge: Judge) -> None:
    write([(f"{OTHERS[n % 4]} {n}", "down") for n in range(60)])  # which the tiny model rarely says
    (one,) = judge(gate(floor=0.9), champion=False).tasks["mood"].findings
    assert one.outcome == "reject" and "is below the limit 0.900" in one.why


def test_a_label_that_the_task_does_not_know_is_named_with_its_row(judge: Judge) -> None:
    write([("fine", "up"), ("meh", "sideways")])
    with pytest.raises(
        UserError, match=r"sources/other.csv, row 3: label 'sideways' is not in the label set"
    ):
        judge(gate())


def test_rows_that_cannot_be_read_go_as_the_tasks_own_do_where_its_cleaning_says_so(judge: Judge) -> None:
    """One of them would end a retraining whose training is done."""
    rows = [(f"{OTHERS[n % 4]} {n}", "up" if n % 2 else "down") for n in range(39)]
    write([*rows, ("meh", "sideways")])
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["tasks"]["mood"]["cleaning"] = {"unreadable": "drop"}
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    (one,) = judge(gate(), champion=False).tasks["mood"].findings
    assert (one.what, one.rows) == ("elsewhere (1 of its rows cannot be read and are left out)", 39)
    write([*rows[:9], ("meh", "sideways"), ("", "up")])
    with pytest.raises(UserError, match=r"other.csv, row 11: label 'sideways' is not in the label set"):
        judge(gate(), champion=False)


def test_a_test_set_without_a_row_left_keeps_the_release_back(judge: Judge) -> None:
    write([(text, "up") for text in pq.read_table("data/mood/train.parquet")["text"].to_pylist()[:3]])
    found = judge(gate(floor=0.1), champion=False)
    said = judged(found).tasks["mood"]
    assert said.gate == "hold"
    assert "elsewhere (3 of its rows are in the training data and left out): none of its rows" in said.why


def test_what_a_gate_reads_besides_is_known_by_its_bytes(judge: Judge) -> None:
    write([("fine", "up")])
    judge({}, champion=False)
    before = files(gate(), Path())
    assert list(before) == ["sources/other.csv"] and len(before["sources/other.csv"]) == 64
    write([("fine", "down")])
    assert files(gate(), Path()) != before
    assert files({"negative_transfer": {}, "agreement": {"with": "champion"}}, Path()).keys() == {
        "reports/sharing.json",
        "champion",
    }
    assert files({"negative_transfer": {}}, Path()) == {"reports/sharing.json": ""}


def test_a_test_set_that_is_not_there_is_found_by_check(tiny_project: Path) -> None:
    settings = yaml.safe_load(Path("params.yaml").read_text())
    settings["evaluation"]["gates"] = gate()
    Path("params.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(
        UserError, match=r"tests.mood.elsewhere.source.path: no such file 'sources/other.csv'"
    ):
        params.load()
