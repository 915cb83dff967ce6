"""Every metric of every family can be a gate's: it has evidence, a bound, an interval and a verdict, of few
rows too, and of answers that are all the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from components import families
from components.errors import UserError
from components.evaluation import gate
from components.evaluation.against import CHAMPION, Meeting
from components.evaluation.common import CommonGround
from components.evaluation.evaluate import compare, require_numbers
from components.evaluation.records import Evaluation, MetricEvidence, Verdict
from components.evaluation.units import Units
from components.families.base import Metric
from components.settings.project import Gate
from tests import verdicts
from tests.evaluation.any_metric import KINDS, MAKERS, Kind

CONFIDENCE, MARGIN = 0.95, 0.05
NEAR = 1e-9
WITHOUT_NUMBERS = {"generation", "multiple_choice", "tagging"}  # in their answers


def judged(metric: str, measured: MetricEvidence) -> tuple[Evaluation, Verdict]:
    """By this metric alone."""
    evaluation = verdicts.of({"t": measured})
    tasks = {"t": verdicts.head(metric, measured)}
    evaluation = evaluation.model_copy(update={"tasks": tasks})
    rules = verdicts.rules({"t": Gate(metric=metric, floor=-1e9, margin=MARGIN)})
    return evaluation, gate.verdict(evaluation, rules)


def measured(
    name: str, count: int, kinds: tuple[Kind, Kind], seed: int
) -> Iterator[tuple[Metric, MetricEvidence]]:
    """Each metric of a family, of a model and a champion who answer like this."""
    draw, maker, family = np.random.default_rng(seed), MAKERS[name], families.get(name)
    facts = maker.facts_of(family)
    rows = maker.rows(kinds[0], count, draw)
    said = [maker.answers(kind, rows, draw) for kind in (*kinds, "constant answers", "random")]
    answers = dict(zip(("model", "champion", "trivial", "linear"), said, strict=True))
    ground = CommonGround(np.ones(count, dtype=bool), facts, True, None)
    met = {CHAMPION: Meeting(answers["champion"], ground, None)}
    for metric in family.metrics_for(facts["options"]):
        yield metric, compare(metric, rows, answers, facts, Units(count), CONFIDENCE, met)


def test_every_family_is_here() -> None:
    assert set(MAKERS) == set(families.names())


@pytest.mark.slow_after(6)
@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize(
    "count", [2, pytest.param(1, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.slow)]
)
def test_every_metric_of_every_family_can_be_a_gates(name: str, count: int) -> None:
    for number, kind in enumerate(KINDS):
        for metric, found in measured(name, count, (kind, KINDS[number - 1]), number):
            where = f"{metric.name} of {count} rows: {kind}"
            low, high = found.interval
            assert low <= found.value <= high, where
            lowest = {"share": 0.0, "correlation": -1.0, "error": -math.inf}[metric.scale]
            assert lowest - NEAR <= low <= high <= metric.best + NEAR, where
            perfect = found.value == metric.best > found.trivial
            assert not perfect or low < metric.best - 0.02, where  # few rows prove nothing
            ahead = found.value - found.trivial
            assert found.over_trivial[0] - NEAR <= ahead <= found.over_trivial[1] + NEAR, where
            against = found.champion
            assert against is not None and against.low is not None
            assert (against.counted is None) == metric.absolute, where
            assert against.interval[0] - NEAR <= against.difference <= against.interval[1] + NEAR, where
            assert against.interval[0] <= against.low <= against.difference + NEAR, where
            if against.counted:
                assert against.counted.value == pytest.approx(against.difference, abs=1e-6), where
            assert 0 < against.p <= 1, where
            evaluation, verdict = judged(metric.name, found)
            assert Evaluation.model_validate_json(evaluation.model_dump_json()) == evaluation, where
            assert against.over_trivial is not None
            released_for_less = against.over_trivial[1] < 0  # it seems to mean something else now
            good = against.low > -MARGIN and found.over_trivial[0] > 0 and not released_for_less
            assert (verdict.verdict == "PROMOTE") == good, where


def test_a_head_without_a_test_row_is_one_sentence() -> None:
    with pytest.raises(UserError, match="mood: no test row has its target; expected some"):
        require_numbers("mood", [], [])


@pytest.mark.parametrize("number", [math.nan, math.inf])
@pytest.mark.parametrize("name", sorted(set(MAKERS) - WITHOUT_NUMBERS))
def test_an_answer_of_any_family_with_a_number_that_is_none_is_refused(name: str, number: float) -> None:
    """Of such probabilities a sort makes the highest there are, and of an area the best."""
    draw, maker = np.random.default_rng(0), MAKERS[name]
    rows = [{"id": f"r{place}", **row} for place, row in enumerate(maker.rows("random", 4, draw))]
    answers = maker.answers("right", rows, draw)
    require_numbers("mood", rows, answers)
    broken = [*answers[:2], _with(answers[2], number), answers[3]]
    with pytest.raises(UserError, match="the answer to mood's test row r2 holds a number that is not finite"):
        require_numbers("mood", rows, broken)


def _with(value: Any, number: float) -> Any:
    """The same with other numbers."""
    if isinstance(value, dict):
        return {key: _with(part, number) for key, part in value.items()}
    if isinstance(value, list):
        return [_with(part, number) for part in value]
    return number if isinstance(value, float) else value


def test_a_release_that_answers_no_number_is_not_compared() -> None:
    ground = CommonGround(np.ones(2, dtype=bool), {}, True, None)
    assert (
        Meeting([{"score": 1.0}, {"score": math.nan}], ground, None).nothing
        == "a number in its answers is none"
    )
    known = [{"ranks": [1.0, math.inf]}] * 2  # an entity that it does not know
    assert Meeting(known, ground, None).nothing is None
