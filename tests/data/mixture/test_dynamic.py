"""Shares follow learning progress: a synthetic stall loses its share, and nothing drawn is drawn anew."""

from __future__ import annotations

import numpy as np
import pytest

from components.data.batches.batching import step_rows
from components.data.mixture.draws import Plan, TaskPlan, rows_before
from components.data.mixture.dynamic import decide, progress, with_decided

PLAN = Plan(500, 12.0, 16, {"a": TaskPlan(90, 0.6), "b": TaskPlan(50, 0.3), "c": TaskPlan(40, 0.1)}, keep=0.2)
HEADS = {"a": "a", "b": "b", "b_slots": "b", "c": "c"}
LENGTHS = {"a": np.arange(3, 93), "b": np.full(50, 9), "c": np.full(40, 7)}


def evaluations(**scores: list[float]) -> list[dict[str, float]]:
    return [dict(zip(scores, values, strict=True)) for values in zip(*scores.values(), strict=True)]


def test_progress_is_the_slope_relative_to_all_that_was_learnt() -> None:
    assert progress([0.5]) == 0
    assert progress([0.2, 0.6]) == pytest.approx(1)
    assert progress([0.0, 0.3, 0.6, 0.9]) == pytest.approx(2 / 3)  # the last two of three equal steps
    assert progress([-30.0, -20.0, -10.0, 0.0]) == pytest.approx(2 / 3)  # whatever the metric's units
    assert progress([0.1, 0.9, 0.9, 0.9]) == pytest.approx(0, abs=1e-12)
    assert progress([0.9, 0.9, 0.5, 0.1]) == pytest.approx(1)  # forgetting counts too
    assert progress([0.1, float("nan"), 0.5]) == pytest.approx(1)


def test_a_task_that_stands_still_keeps_its_floor_and_the_others_take_the_rest() -> None:
    rising = [0.1, 0.2, 0.3, 0.4]
    shares = decide(PLAN, evaluations(a=[0.1, 0.9, 0.9, 0.9], b=rising, b_slots=rising, c=rising), HEADS)
    assert shares["a"] == pytest.approx(0.2 * 0.6)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["b"] / shares["c"] == pytest.approx(3)  # as at the start: they learn alike


def test_equal_progress_or_none_leaves_the_shares_of_the_start() -> None:
    start = {"a": 0.6, "b": 0.3, "c": 0.1}
    for scores in ([0.5], [0.5, 0.5, 0.5], [0.1, 0.4, 0.5]):
        assert decide(PLAN, evaluations(**dict.fromkeys(HEADS, scores)), HEADS) == pytest.approx(start)


RECORD = [
    {"step": 100, "shares": {"a": 0.2, "b": 0.5, "c": 0.3}},
    {"step": 200, "shares": {"a": 0.4, "b": 0.3, "c": 0.3}},
]


def test_a_decision_holds_from_the_next_window_and_the_past_stays() -> None:
    one, two = with_decided(PLAN, RECORD[:1]), with_decided(PLAN, RECORD)
    for task in PLAN.tasks:
        assert rows_before(one, task, 112) == rows_before(PLAN, task, 112)
        assert rows_before(two, task, 208) == rows_before(one, task, 208)
    assert rows_before(one, "a", 212) - rows_before(one, "a", 112) == 240
    assert rows_before(two, "a", 308) - rows_before(two, "a", 208) == 480


@pytest.mark.slow
def test_a_run_that_goes_on_draws_what_the_uninterrupted_one_draws() -> None:
    """A step needs the decisions before it alone, and none that comes later changes it."""

    def batch(plan: Plan, step: int) -> dict[str, list[int]]:
        return {task: rows.tolist() for task, rows in step_rows(plan, 3, step, LENGTHS).items()}

    uninterrupted = [
        batch(with_decided(PLAN, [entry for entry in RECORD if entry["step"] <= step]), step)
        for step in range(260)
    ]
    resumed = with_decided(PLAN, RECORD)
    assert [batch(resumed, step) for step in range(200, 260)] == uninterrupted[200:]
    assert batch(resumed, 37) == uninterrupted[37]


def test_a_plan_whose_shares_are_not_dynamic_is_left_as_it_is() -> None:
    plan = Plan(500, 12.0, 16, {"a": TaskPlan(90, 1.0)})
    assert with_decided(plan, [{"step": 10}]) is plan
    with pytest.raises(ValueError, match="not dynamic"):
        decide(plan, [{"a": 0.1}], {"a": "a"})
