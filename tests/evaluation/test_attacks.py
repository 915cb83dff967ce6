"""Whoever wants a worse model promoted, and what stops him: the gate's rules under settings, names, labels and
rows that somebody has chosen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components import families
from components.evaluation import gate
from components.evaluation.against import CHAMPION, Meeting
from components.evaluation.common import CommonGround, ground
from components.evaluation.evaluate import compare
from components.evaluation.gates.slices import Slices
from components.evaluation.records import Bar, GateRule, MetricEvidence, Rules, Verdict
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


def test_the_linear_baseline_is_measured_by_its_own_answers() -> None:
    """Right of 90 rows the model, of 80 the linear one, of 40 the trivial one."""
    rows = [row(number, "ab"[number % 2]) for number in range(100)]
    said = {who: answers(rows, wrong) for who, wrong in (("model", 10), ("linear", 20), ("trivial", 60))}
    asked = families.get("classification")
    found = compare(asked.metrics[0], rows, said, FACTS, Units.of_rows(asked, rows), 0.95)
    assert (found.value, found.linear, found.trivial) == pytest.approx((0.9, 0.8, 0.4))
    assert 0 < found.over_linear[0] < 0.1 < found.over_linear[1] < 0.25
    assert found.over_trivial[0] > 0.35
    same = compare(asked.metrics[0], rows, {**said, "linear": said["model"]}, FACTS, Units(100), 0.95)
    assert same.over_linear[0] < 0 < same.over_linear[1]
    strict = judged("accuracy", same, beat_linear=True).tasks["t"]
    assert strict.gate == "hold"
    assert "does not exclude the linear 0.900: +0.000" in strict.why


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


def test_a_group_of_its_own_makes_no_copy_a_row_of_its_own() -> None:
    rows = [{**row(n, "a", f"text {n % 10}"), "groups": [f"document {n}"]} for n in range(90)]
    assert Units.of_rows(families.get("classification"), rows).count == 10
    shared = [{**one, "groups": [f"document {n % 3}"]} for n, one in enumerate(rows)]
    assert Units.of_rows(families.get("classification"), shared).count == 3


def test_events_that_come_again_are_news_each_time() -> None:
    clicks = [{"text": "socks", "outcome": n % 4 == 0, "groups": []} for n in range(80)]
    assert Units.of_rows(families.get("click"), clicks).count == 80


# --- settings ---------------------------------------------------------------------------------------------


STRICT = GateRule(metric="accuracy", floor=0.6, margin=0.02, beat_linear=True)
BAR = Bar(
    gates={"t": STRICT},
    confidence=0.95,
    anchor_margin=1.0,
    further=["slices"],
    asked={"slices": {"margin": 0.05}},
)


def warned(rule: GateRule, confidence: float = 0.95, **rules: Any) -> list[str]:
    """By a gate with this rule, of a model that passes against a champion that was held to `BAR`."""
    found = verdicts.measured(0.9, verdicts.against(0.0, 0.005))
    evaluation = verdicts.of({"t": found})
    tasks = {"t": verdicts.head(rule.metric, found)}
    champion = evaluation.champion and evaluation.champion.model_copy(update={"bar": BAR})
    known = {"tasks": tasks, "champion": champion, "confidence": confidence}
    settings = Rules(
        gates={"t": rule}, shown_loss=0.3, anchor_margin=1.0, further={"slices": {"margin": 0.05}}
    )
    said = gate.verdict(evaluation.model_copy(update=known), settings.model_copy(update=rules))
    assert said.verdict == "PROMOTE"
    return said.tasks["t"].warnings


@pytest.mark.parametrize(
    ("eased", "said"),
    [
        ({"floor": 0.5}, "floor 0.6, now 0.5"),
        ({"margin": 0.5}, "margin 0.02, now 0.5"),
        ({"anchor_margin": 1.5}, "anchor_margin 1, now 1.5"),
        ({"beat_linear": False}, "beat_linear, now not"),
        ({"metric": "top_3_accuracy"}, "metric accuracy (margin 0.02), now top_3_accuracy (0.02)"),
    ],
)
def test_a_lower_bar_than_the_champions_lets_a_model_out_and_is_said(
    eased: dict[str, Any], said: str
) -> None:
    assert warned(STRICT.model_copy(update=eased)) == [f"release v1 was held to more: {said}"]


def test_so_is_that_of_all_tasks() -> None:
    (found,) = warned(STRICT, confidence=0.6, anchor_margin=9.0, further={})
    said = "confidence 0.95, now 0.6; anchor_margin 1, now 9; slices in evaluation.gates, now not there"
    assert found == f"release v1 was held to more: {said}"


def test_so_is_a_further_gate_that_asks_something_else() -> None:
    (found,) = warned(STRICT, further={"slices": {"margin": 9.0, "min_rows": 5000}})
    said = "slices.margin 0.05, now 9.0; slices.min_rows by default, now 5000"
    assert found == f"release v1 was held to more: {said}"


def test_a_bar_that_is_as_high_or_higher_is_no_news() -> None:
    higher = STRICT.model_copy(update={"floor": 0.7, "margin": 0.01})
    assert warned(STRICT) == warned(higher, confidence=0.99, anchor_margin=0.5) == []


@pytest.mark.parametrize(
    "given",
    [{"floor": None}, {"floor": math.nan}, {"floor": -math.inf}, {"margin": math.inf}, {"margin": math.nan},
     {"margin": 0}, {"margin": -0.1}, {"margin": True}],
)  # fmt: skip
def test_a_floor_or_a_margin_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="floor|margin"):
        Gate.model_validate({"metric": "accuracy", "floor": 0.6, **given})


# --- metrics ----------------------------------------------------------------------------------------------


def test_of_an_error_less_is_better_for_the_gate_too() -> None:
    """A model with half the error passes, one with twice the error is rejected."""
    draw = np.random.default_rng(1)
    score = draw.normal(size=300)
    rows = [{"text": f"text {n}", "score": float(one), "groups": []} for n, one in enumerate(score)]
    near, far = ([{"score": float(v)} for v in score + e * draw.normal(size=300)] for e in (0.2, 0.4))
    facts = {"mean": 0.0, "options": {}}
    for metric in ("negative_mae", "negative_rmse", "r2", "pearson"):
        better, worse = (
            judged(metric, measured(metric, rows, *sides, family="regression", facts=facts))
            for sides in ((near, far), (far, near))
        )
        assert (better.verdict, worse.verdict) == ("PROMOTE", "REJECT"), metric


def test_a_model_that_says_one_thing_is_promoted_by_no_metric_that_it_may_choose() -> None:
    """A calibration error of none, an area of one half: a constant has these, and is not clear of a constant."""
    rows = [{"text": f"{n}", "outcome": n % 10 == 0, "groups": []} for n in range(400)]
    constant = [{"probability": 0.1}] * 400
    for metric in families.get("click").metrics:
        found = measured(metric.name, rows, constant, constant, family="click", facts={"options": {}})
        assert judged(metric.name, found).verdict != "PROMOTE", metric.name


# --- rows and labels --------------------------------------------------------------------------------------


def test_a_test_set_without_a_positive_promotes_nobody_by_an_area() -> None:
    rows = [{"text": f"{n}", "outcome": False, "groups": []} for n in range(400)]
    said = [{"probability": n / 400} for n in range(400)]
    found = measured("auc", rows, said, said[::-1], family="click", facts={"options": {}})
    assert judged("auc", found).verdict == "HOLD"
    assert found.interval[0] < 0.1 and found.interval[1] > 0.9  # it is not known to be 1/2
    assert found.champion and found.champion.low is not None and found.champion.low < -0.5


def test_five_positives_do_not_show_that_none_is_lost() -> None:
    """As good as the champion on all of them. A model that fails at one positive of ten loses four points."""
    rows = [{"text": f"{n}", "outcome": n % 10 == 0, "groups": []} for n in range(50)]
    said = [{"probability": 0.5 + n / 200 if n % 10 == 0 else n / 100} for n in range(50)]
    found = measured("auc", rows, said, said, family="click", facts={"options": {}})
    assert found.champion and found.champion.discordant == 0
    assert found.champion.low is not None and found.champion.low < -0.15
    assert judged("auc", found).verdict == "HOLD"


def test_a_label_that_is_renamed_takes_its_rows_out_of_the_comparison_and_more_than_half_end_it() -> None:
    """Whatever the candidate says of the rows that are left out: so few are no comparison."""
    rows = [row(n, "b2" if n % 5 < 3 else "a") for n in range(200)]
    known, today = ({**FACTS, "labels": ["a", name]} for name in ("b", "b2"))
    said = [{"label": "b" if one["label"] == "b2" else "a"} for one in rows]
    left = ground(families.get("classification"), known, today, rows, said)
    assert left.too_little is not None and "both can answer 80 of 200 test rows" in left.too_little


def test_a_part_of_the_rows_on_which_a_model_fails_holds_it_though_the_whole_is_within_its_margin() -> None:
    """Of 3,000 rows 40 are lost, all of them in one language of 200."""
    rows = [row(n, "ab"[n % 2], language="de" if n % 15 == 0 else "en") for n in range(3000)]
    lost = {n for n in range(3000) if n % 15 == 0 and n < 600}
    said = [{"label": "ab"[(n + (n in lost)) % 2]} for n in range(3000)]
    found = measured("accuracy", rows, said, rows)
    whole = judged("accuracy", found)
    assert whole.verdict == "PROMOTE"
    case = case_of(rows, model=said, champion=rows)
    case = replace(case, said={**case.said, "trivial": [{"label": "a"}] * 3000})
    evaluation = verdicts.of({"t": found}, tuple(Slices(length=None).findings(case)))
    gates = {"t": Gate.model_validate({"metric": "accuracy", "floor": 0.1, "margin": MARGIN})}
    said_of_parts = gate.verdict(evaluation, verdicts.rules(gates))
    assert said_of_parts.verdict == "REJECT"
    assert "slices, language = de lost significantly" in said_of_parts.tasks["t"].why
