"""A champion of other labels, tasks or rows is compared on what both can answer, or held."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file as numpy_file

from components import params
from components.data.contract import known_rows
from components.data.contract.rows import read_rows
from components.evaluation.champion import Opponent
from components.evaluation.evaluate import evaluate
from components.evaluation.gate import verdict
from components.evaluation.records import EVALUATION, Evaluation, RowsSince
from components.families import get
from components.files import read_json, write_json
from tests.evaluation.evaluate.opponents import (
    OTHERS,
    against,
    call_mood,
    judged,
    opponent,
    relabel,
    remember_rows,
)
from tests.verdicts import rules

pytestmark = pytest.mark.slow  # models are trained


def test_a_label_that_the_champion_lacks_does_not_make_it_vanish(evaluated: dict) -> None:
    """A stray label in the data: the head is compared on the other rows, on which nothing has changed."""
    card = read_json(Path("encoded/mood/task.json"))
    labels = card["heads"]["mood"]["facts"]["labels"]
    relabel(Path("models/multitask"), "mood", [*labels, "mood"])
    card["heads"]["mood"]["facts"]["labels"] = [*labels, "mood"]
    write_json(Path("encoded/mood/task.json"), card)
    found = judged({"mood": params.load().gates()["mood"]})
    compared = found.tasks["mood"].champion
    assert compared and compared.difference == 0
    assert compared.changed == "the label set changed: +mood"
    assert compared.rows == evaluated["tasks"]["mood"]["rows"]["test"]
    assert (
        f"on {compared.rows} test rows that both can answer ({compared.changed})" in found.tasks["mood"].why
    )


def test_a_head_whose_labels_are_spelt_anew_is_held_with_what_changed(evaluated: dict) -> None:
    card = Path("champion/config.json")
    config = read_json(card)
    assert config["tasks"]["mood"]["facts"]["labels"] == ["down", "up"]
    config["tasks"]["mood"]["facts"]["labels"] = ["down", "Up"]
    write_json(card, config)
    found = judged({"mood": params.load().gates()["mood"]})
    assert found.verdict == "HOLD"
    assert "the label set changed: +up \u2212Up; both can answer" in found.tasks["mood"].why
    tasks = read_json(Path("reports/evaluation.json"))["tasks"]
    assert tasks["mood"]["metrics"]["accuracy"]["champion"] is None
    assert tasks["people"]["metrics"]["entity_f1"]["champion"] is not None


def test_labels_that_were_swapped_are_held_and_not_won_against(evaluated: dict) -> None:
    """The label set is the same, and the champion is wrong in nearly all."""
    config = read_json(Path("champion/config.json"))
    config["tasks"]["mood"]["facts"]["labels"] = ["up", "down"]
    write_json(Path("champion/config.json"), config)
    gates = {"mood": params.load().gates()["mood"]}
    found = judged(gates)
    assert found.verdict == "HOLD"
    assert (
        "below the trivial baseline's: the task seems to mean something else now" in found.tasks["mood"].why
    )
    assert judged(gates, ("mood",)).verdict == "PROMOTE"


def test_a_task_that_was_renamed_is_compared_once_that_is_said(evaluated: dict) -> None:
    call_mood("feeling", Path("champion"))
    gates = {"mood": params.load().gates()["mood"]}
    found = judged(gates)
    assert found.verdict == "HOLD"
    assert found.tasks["mood"].why.endswith("new, the champion does not answer it")
    assert "evaluation.renamed: {mood: feeling}" in found.dropped["feeling"]
    champion = Opponent(Path("champion"), opponent().release, {"mood": "feeling"})
    evaluate(params.load(), Path(), champion, lambda text: None)
    found = against(gates, ["people", *OTHERS])
    assert found.verdict == "PROMOTE"
    compared = found.tasks["mood"].champion
    assert compared and compared.difference == 0


def test_a_task_that_cannot_be_compared_is_held_until_that_is_said_to_be_meant(evaluated: dict) -> None:
    config = read_json(Path("champion/config.json"))
    tasks = config["tasks"]
    tasks["mood"]["facts"]["labels"] = ["up", "down"]
    tasks["people"]["inputs"] = ["text", "text_pair"]
    write_json(Path("champion/config.json"), config)
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    report, gates = Evaluation.read(EVALUATION), params.load().gates()
    gates = {name: gates[name] for name in ("mood", "people")}
    found = verdict(report, rules(gates, OTHERS))
    assert found.verdict == "HOLD"
    why = {name: task.why for name, task in found.tasks.items() if task.gate == "hold"}
    assert set(why) == {"mood", "people"}
    assert "its inputs changed from text and text_pair to text" in why["people"]
    assert "name it in evaluation.without_champion" in why["mood"]
    assert verdict(report, rules(gates, [*gates, *OTHERS])).verdict == "PROMOTE"


def test_a_renamed_or_removed_task_is_held_and_never_passes_for_want_of_a_champion(evaluated: dict) -> None:
    renamed = {"feeling": params.load().gates()["mood"]}
    report = json.loads(json.dumps(evaluated).replace('"mood": {"task"', '"feeling": {"task"'))
    for metric in report["tasks"]["feeling"]["metrics"].values():
        metric["champion"] = None  # as of a head that the champion has not
    renamed_report = Evaluation.model_validate(report)
    found = verdict(renamed_report, rules(renamed, ["people", *OTHERS]))
    assert found.verdict == "HOLD"
    assert found.tasks["feeling"].gate == "pass"
    (why,) = found.reasons()
    assert why.startswith("mood: the champion answers it and the candidate does not")
    assert verdict(renamed_report, rules(renamed, ["mood", "people", *OTHERS])).verdict == "PROMOTE"


def test_a_release_that_does_not_know_its_rows_is_compared_on_all_and_that_is_said(evaluated: dict) -> None:
    compared = evaluated["tasks"]["mood"]["metrics"]["accuracy"]["champion"]
    assert compared["since"] is None
    assert compared["rows"] == evaluated["tasks"]["mood"]["rows"]["test"]


def test_test_rows_that_a_release_has_learnt_from_are_left_out_and_counted(evaluated: dict) -> None:
    """As after a change of the seed: half of the test rows were the champion's training rows."""
    rows = read_rows(Path("data/mood"), "test", "mood")
    remember_rows(Path("champion"), "train", "test")
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    compared = Evaluation.read(EVALUATION).tasks["mood"].metrics["accuracy"].champion
    assert compared and compared.since == RowsSince(
        come=0, gone=0, trained_on=0, learnt_come=0, learnt_gone=0
    )

    known = known_rows.read(Path("champion") / known_rows.FILE)
    assert known
    half = known_rows.of_texts(rows[: len(rows) // 2], get("classification"))
    numpy_file(
        {"mood/train": np.sort(half), "mood/test": known["mood"].test_N[5:]},
        Path("champion") / known_rows.FILE,
    )
    evaluate(params.load(), Path(), opponent(), lambda text: None)
    compared = Evaluation.read(EVALUATION).tasks["mood"].metrics["accuracy"].champion
    train, known_half = evaluated["tasks"]["mood"]["rows"]["train"], len(rows) // 2
    since = RowsSince(
        come=5, gone=0, trained_on=known_half, learnt_come=train, learnt_gone=known_half
    )  # the champion had learnt from half of the test rows, and from none of today's training rows
    assert compared and compared.since == since
    assert compared.rows == len(rows) - len(rows) // 2


def test_a_champion_that_has_learnt_all_test_rows_is_held_and_never_passes(evaluated: dict) -> None:
    remember_rows(Path("champion"), "test", "validation")
    found = judged({"mood": params.load().gates()["mood"]})
    assert found.verdict == "HOLD"
    rows = evaluated["tasks"]["mood"]["rows"]["test"]
    assert f"{rows} test rows stand in its training data, and no other is left" in found.tasks["mood"].why
