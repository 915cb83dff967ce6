"""Whoever wants a worse model promoted, and what stops him: the gate's rules under settings, names, labels and
rows that somebody has chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components import families
from components.evaluation import gate
from components.evaluation.against import CHAMPION, Meeting
from components.evaluation.common import CommonGround, ground
from components.evaluation.difference import Difference
from components.evaluation.evaluate import compare
from components.evaluation.gates.slices import Slices
from components.evaluation.records import Evaluation, MetricEvidence, Verdict
from components.evaluation.units import Units
from components.families.base import Facts, Prediction, Row
from components.settings.project import Gate
from tests import verdicts
from tests.evaluation.gates.case import FACTS, case_of, row

MARGIN = 0.03


def measured(
    metric: str,
    rows: list[Row],
    model: list[Prediction],
    champion: list[Prediction],
    family: str = "classification",
    facts: Facts = FACTS,
    common: CommonGround | None = None,
) -> MetricEvidence:
    """Against a trivial model that always says the same as of the first row."""
    asked = families.get(family)
    trivial = [{**model[0]}] * len(rows)
    answers = {"model": model, "trivial": trivial, "linear": trivial}
    common = common or CommonGround(np.ones(len(rows), dtype=bool), facts, True, None)
    (found,) = (one for one in asked.metrics if one.name == metric)
    met = {CHAMPION: Meeting(champion, common, None)}
    return compare(found, rows, answers, facts, Units.of_rows(asked, rows), 0.95, met)


def judged(metric: str, found: MetricEvidence, **rules: Any) -> Verdict:
    """By this metric alone, whose floor everybody holds."""
    evaluation = verdicts.of({"t": found})
    evaluation = evaluation.model_copy(update={"tasks": {"t": verdicts.head(metric, found)}})
    gates = {"t": Gate.model_validate({"metric": metric, "floor": -1e9, "margin": MARGIN, **rules})}
    return gate.verdict(evaluation, verdicts.rules(gates))


def answers(rows: list[Row], wrong: int) -> list[Prediction]:
    """All right but for the first so many."""
    other = {"a": "b", "b": "a"}
    return [{"label": other[one["label"]] if n < wrong else one["label"]} for n, one in enumerate(rows)]


@pytest.mark.parametrize("written", ["{text}", "{text}!", " {text}", "{text}\n"])
def test_a_test_set_with_each_row_thirty_times_tells_no_more(written: str) -> None:
    """60 rows, one lost: too few to promote, and as few when they are 1,800."""
    once = [row(n, "ab"[n % 2], f"text {n}") for n in range(60)]
    often = [
        {**one, "id": f"{one['id']}-{n}", "text": written.format(text=one["text"]) if n else one["text"]}
        for one in once
        for n in range(30)
    ]
    few = measured("accuracy", once, answers(once, 1), answers(once, 0))
    many = measured("accuracy", often, answers(often, 30), answers(often, 0))
    assert judged("accuracy", few).verdict == "HOLD"
    assert judged("accuracy", many).verdict == "HOLD"
    assert few.champion and many.champion and few.champion.low is not None and many.champion.low is not None
    assert many.champion.low == pytest.approx(few.champion.low, abs=0.01)
    assert many.interval == pytest.approx(few.interval, abs=0.03)


def test_events_that_come_again_are_news_each_time() -> None:
    clicks = [{"text": "socks", "outcome": n % 4 == 0, "groups": []} for n in range(80)]
    assert Units.of_rows(families.get("click"), clicks).count == 80
