"""What `onetrunk check` promises of an equal model is what the gate then does."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from components import params
from components.evaluation.gate import verdict
from components.evaluation.promise import Promise, all_together, promises
from components.evaluation.records import EVALUATION, ChampionEvidence, Evaluation, ModelId
from components.settings.project import Gate
from tests import verdicts
from tests.verdicts import CHAMPION, against, of


def promise(margin: float, error: float = 0.01, rows: int = 1000) -> Promise:
    gate = Gate(metric="accuracy", floor=0.1, margin=margin)
    return Promise("t", gate, rows, error, 0.95, "comparison", test_set="s")


@pytest.mark.parametrize("margin", [0.015, 0.02, 0.025, 0.03])
def test_the_gate_promotes_an_equal_model_as_often_as_was_said(margin: float) -> None:
    chance = np.random.default_rng(3)
    rules = verdicts.rules({"t": Gate(metric="accuracy", floor=0.1, margin=margin)})
    drawn = chance.normal(0, 0.01, size=1000)
    found = [
        verdict(of({"t": verdicts.measured(0.8, against(float(one), 0.01))}), rules).verdict for one in drawn
    ]
    assert found.count("PROMOTE") / len(found) == pytest.approx(promise(margin).chance, abs=0.04)


def test_the_rows_or_the_margin_that_a_warning_names_are_enough() -> None:
    few = promise(0.02)
    assert few.chance < 0.8
    assert str(few.warning).startswith(
        "t: a model as good as the champion would be promoted in 64% of the cases"
    )
    more = few.rows_for_enough
    assert promise(0.02, 0.01 * math.sqrt(1000 / more), more).chance == pytest.approx(0.8, abs=0.001)
    assert promise(few.margin_for_enough).chance == pytest.approx(0.8)
    assert promise(0.05).warning is None
    assert all_together([few, few]) == pytest.approx(few.chance**2)


@pytest.mark.usefixtures("shared_project")
def test_before_anything_is_measured_the_error_is_assumed_and_said_to_be() -> None:
    found = {one.head: one for one in promises(params.load(), Path())}
    assert set(found) == set(params.load().gates())
    assert all(one.known_from == "nothing" for one in found.values())
    mood = found["mood"]
    assert mood.error == pytest.approx(math.sqrt(0.1 / mood.rows))


@pytest.mark.usefixtures("encoded_project")
def test_the_error_of_the_last_evaluation_is_scaled_to_the_test_rows_of_today() -> None:
    tasks = {"mood": verdicts.head("accuracy", verdicts.measured(0.8, against(0.0, 0.01)))}
    known = ChampionEvidence(**CHAMPION.model_dump(), heads=["mood"], not_compared={})
    Evaluation(model=ModelId(sha256="m"), champion=known, confidence=0.95, tasks=tasks).write(EVALUATION)
    mood = next(one for one in promises(params.load(), Path()) if one.head == "mood")
    assert mood.known_from == "comparison"
    assert mood.error == pytest.approx(0.01 * math.sqrt(2000 / mood.rows))


@pytest.mark.usefixtures("encoded_project")
def test_after_a_first_release_the_error_follows_from_the_interval_of_the_value() -> None:
    """Of an accuracy of .85 on 100 rows, it is that of two models that differ on one row in ten."""
    half = 1.96 * math.sqrt(0.85 * 0.15 / 100)
    measured = verdicts.measured(0.85, interval=[0.85 - half, 0.85 + half])
    tasks = {"mood": verdicts.head("accuracy", measured)}
    Evaluation(model=ModelId(sha256="m"), champion=None, confidence=0.95, tasks=tasks).write(EVALUATION)
    mood = next(one for one in promises(params.load(), Path()) if one.head == "mood")
    assert mood.known_from == "interval"
    assert mood.error == pytest.approx(math.sqrt(0.1 / mood.rows), rel=1e-3)
