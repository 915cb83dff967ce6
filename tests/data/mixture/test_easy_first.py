"""Easy rows come first, each once an epoch, and in the end all of them do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from components.data.batches.batching import step_rows
from components.data.mixture.draws import Plan, TaskPlan, draw, rows_before
from components.data.mixture.easy_first import easiest, mean_over_run, stages

DIFFICULTY = np.random.default_rng(3).permutation(1000) / 1000
EXCLUDED = [4, 17, 998]
ORDER = easiest(DIFFICULTY, EXCLUDED)
STAGES = stages(len(ORDER), 0.1, 200)
PLAN = Plan(400, 20.0, 16, {"t": TaskPlan(1000, 1.0, EXCLUDED, stages=STAGES, easiest=ORDER)})


def drawn(first: int, last: int) -> np.ndarray:
    return draw(PLAN, "t", 5, rows_before(PLAN, "t", first), rows_before(PLAN, "t", last))


def test_the_stages_begin_with_the_first_part_and_end_with_all_rows() -> None:
    assert STAGES[0] == (0, 100)
    assert STAGES[-1] == (200, 997)
    assert STAGES[5] == (100, int(np.ceil(997 * np.sqrt((1 + 0.1**2) / 2))))  # half-way, by the formula
    assert [step for step, _ in STAGES] == list(range(0, 201, 20))
    assert stages(10, 0.1, 1) == [(0, 1), (1, 10)]


def test_a_stage_draws_only_its_easiest_rows_and_each_once_an_epoch() -> None:
    for (step, size), (end, _) in itertools.pairwise(STAGES):
        rows = drawn(step, end)
        assert set(rows) <= set(ORDER[:size].tolist())
        for at in range(0, len(rows) - size + 1, size):
            assert sorted(rows[at : at + size]) == sorted(ORDER[:size])
    assert sorted(drawn(200, 400)[:997]) == sorted(ORDER)
    assert not set(drawn(0, 400)) & set(EXCLUDED)


def test_any_part_of_the_draws_is_the_same_alone() -> None:
    whole = drawn(0, 400)
    for first, last in ((0, 7), (1_111, 1_113), (3_950, 4_070), (7_777, 8_000)):
        assert draw(PLAN, "t", 5, first, last).tolist() == whole[first:last].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("steps", [45, 300])
def test_a_window_over_two_stages_gives_no_step_a_row_twice(steps: int) -> None:
    """Its rows are sorted by length, and what ends one stage may begin the next, if none is shorter than a window."""
    task = TaskPlan(1000, 1.0, EXCLUDED, stages=stages(len(ORDER), 0.3, steps), easiest=ORDER)
    plan, lengths = Plan(steps + 8, 9.3, 4, {"t": task}), {"t": np.arange(1000) % 87}
    for seed in range(3):
        for step in range(steps + 8):
            rows = step_rows(plan, seed, step, lengths)["t"].tolist()
            assert len(set(rows)) == len(rows)


def test_rows_get_harder_until_all_are_drawn() -> None:
    means = [DIFFICULTY[drawn(step, step + 20)].mean() for step in range(0, 400, 20)]
    assert means[0] == pytest.approx(0.05, abs=0.01)
    assert means[10:] == pytest.approx([0.5] * 10, abs=0.06)
    assert all(a < b + 0.05 for a, b in itertools.pairwise(means[:11]))


def test_the_mean_over_the_run_is_that_of_the_rows_drawn() -> None:
    expected = DIFFICULTY[drawn(0, 400)].mean()
    assert mean_over_run(DIFFICULTY[ORDER], STAGES, 400) == pytest.approx(expected, abs=0.01)


def test_a_plan_that_was_not_told_the_order_draws_nothing() -> None:
    plan = Plan(400, 20.0, 16, {"t": TaskPlan(1000, 1.0, stages=STAGES)})
    with pytest.raises(ValueError, match="easiest rows of t first and was not told"):
        draw(plan, "t", 1, 0, 5)
