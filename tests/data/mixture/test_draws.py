"""Shares by their formulas; draws that are a function of (plan, seed, step) and visit a row once an epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from components.data.batches.batching import step_rows
from components.data.mixture.draws import Plan, TaskPlan, draw, rows_before, share_at, shares, skip
from components.data.mixture.records import PlannedTask, PlanRecord
from components.data.mixture.schedules import alternating, curriculum, phase
from components.keyed import permute
from components.settings.project import Mixture

ROWS = {"large": 10_000, "middle": 1_000, "small": 100}


def mixture(method: str, **settings) -> dict[str, float]:
    return shares(Mixture(method=method, **settings), ROWS)


def test_the_methods_shares_are_those_of_their_formulas() -> None:
    assert mixture("proportional") == pytest.approx(
        {"large": 1e4 / 11100, "middle": 1e3 / 11100, "small": 1e2 / 11100}
    )
    assert mixture("uniform") == pytest.approx(dict.fromkeys(ROWS, 1 / 3))
    assert mixture("inverse_size") == pytest.approx(
        {"large": 1 / 111, "middle": 10 / 111, "small": 100 / 111}
    )
    total = 100 + 1000**0.5 + 10
    assert mixture("temperature", temperature=2.0) == pytest.approx(
        {"large": 100 / total, "middle": 1000**0.5 / total, "small": 10 / total}
    )
    ratio = {"large": 1.0, "middle": 2.0, "small": 1.0}
    assert mixture("fixed_ratio", ratio=ratio) == pytest.approx({"large": 0.25, "middle": 0.5, "small": 0.25})


def test_temperature_spans_proportional_to_uniform_and_the_cap_comes_first() -> None:
    assert mixture("temperature", temperature=1.0) == pytest.approx(mixture("proportional"))
    assert mixture("temperature", temperature=1e9) == pytest.approx(mixture("uniform"))
    assert mixture("temperature", temperature=2.0, cap=100) == pytest.approx(mixture("uniform"))


@given(size=st.integers(1, 3000), secret=st.integers(0, 2**64 - 1))
def test_permute_is_a_bijection(size: int, secret: int) -> None:
    assert sorted(permute(np.arange(size), size, secret)) == list(range(size))


def test_permute_shuffles_and_depends_on_the_key() -> None:
    first, second = permute(np.arange(1000), 1000, 1), permute(np.arange(1000), 1000, 2)
    assert not np.array_equal(first, second)
    assert abs(np.corrcoef(np.arange(1000), first)[0, 1]) < 0.15
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("size", [7, 30, 50])
def test_places_and_neighbours_of_a_permutation_are_uniform(size: int) -> None:
    """Chi-square over many keys: every row is as likely at every place, and after every other row."""
    at, after = np.zeros((size, size)), np.zeros((size, size))
    for secret in range(60 * size):
        rows = permute(np.arange(size), size, secret * 7919 + 1)
        at[np.arange(size), rows] += 1
        after[rows[:-1], rows[1:]] += 1
    assert _chi_square(at.ravel(), (size - 1) ** 2) > 1e-4
    assert _chi_square(after[~np.eye(size, dtype=bool)], size * (size - 1)) > 1e-4


def _chi_square(counts: np.ndarray, freedom: int) -> float:
    return float(stats.chi2.sf(((counts - counts.mean()) ** 2 / counts.mean()).sum(), freedom))


def test_batches_of_a_large_task_spread_as_random_ones_do() -> None:
    """64 consecutive draws of 10 M rows, in eight ranges and in eight residues: no more and no less even."""
    plan = Plan(10**6, 64.0, 16, {"t": TaskPlan(10_000_000, 1.0)})
    batches = draw(plan, "t", 0, 0, 64 * 20_000).reshape(-1, 64)
    for strata in (batches * 8 // 10_000_000, batches % 8):
        counts = np.stack([np.bincount(batch, minlength=8) for batch in strata])
        found = np.sort(((counts - 8) ** 2 / 8).sum(1))
        assert found.mean() == pytest.approx(7, rel=0.03)
        assert found.var() == pytest.approx(14, rel=0.1)


def test_one_batch_of_a_hundred_million_rows_needs_no_table() -> None:
    plan = Plan(10**6, 64.0, 16, {"t": TaskPlan(100_000_000, 1.0)})
    rows = draw(plan, "t", 0, 10**9, 10**9 + 64)
    assert len(set(rows.tolist())) == 64
    assert rows.max() < 100_000_000


@given(share=st.floats(0.01, 1), step=st.integers(0, 10**7), rows=st.floats(1, 500))
def test_every_step_holds_the_share_up_to_rounding(share: float, step: int, rows: float) -> None:
    plan = Plan(1, rows, 16, {"t": TaskPlan(10, share)})
    size = rows_before(plan, "t", step + 1) - rows_before(plan, "t", step)
    assert abs(size - rows * share) < 1


def test_an_epoch_visits_every_usable_row_once() -> None:
    plan = Plan(1, 8.0, 16, {"t": TaskPlan(10, 1.0, [2, 3, 9])})
    usable = {0, 1, 4, 5, 6, 7, 8}
    assert set(draw(plan, "t", 3, 0, 7).tolist()) == usable
    assert set(draw(plan, "t", 3, 7, 14).tolist()) == usable
    assert draw(plan, "t", 3, 0, 7).tolist() != draw(plan, "t", 3, 7, 14).tolist()


@given(rows=st.integers(1, 90), step=st.integers(1, 40), epochs=st.integers(2, 4))
def test_the_step_between_two_epochs_has_no_row_twice(rows: int, step: int, epochs: int) -> None:
    """And an epoch still visits each row once. Where it is less than three steps, a row may come twice."""
    plan = Plan(1, float(step), 1, {"t": TaskPlan(rows, 1.0)})
    drawn = draw(plan, "t", 7, 0, epochs * rows)
    for epoch in drawn.reshape(epochs, rows):
        assert sorted(epoch) == list(range(rows))
    for first in range(0, len(drawn) - step, step):
        if 3 * step <= rows:
            assert len(set(drawn[first : first + step])) == step
    middle = draw(plan, "t", 7, rows // 2, epochs * rows - 1)
    assert middle.tolist() == drawn[rows // 2 : -1].tolist()  # wherever one begins


def test_a_step_of_short_rows_between_two_epochs_has_none_twice() -> None:
    """Where shares are of tokens, a task of short rows has more of them than the tasks have on average."""
    plan = Plan(1, 4.0, 1, {"t": TaskPlan(90, 1.0, rows_per_step=28.0)})
    for seed in range(20):
        drawn = draw(plan, "t", seed, 0, 90 * 28)
        assert all(len(set(step)) == 28 for step in drawn.reshape(-1, 28))


def test_no_task_and_no_epoch_has_the_order_of_another() -> None:
    easiest, stages = (
        np.arange(50),
        [(0, 50), (10, 50)],
    )  # the second stage begins an epoch, though no row is new
    own = TaskPlan(50, 0.5, stages=stages, easiest=easiest)
    plan = Plan(20, 10.0, 1, {"a": own, "b": own, "c": TaskPlan(50, 0.5)})
    orders = {tuple(draw(plan, task, 3, first, first + 50)) for task in plan.tasks for first in (0, 50)}
    assert len(orders) == 6


@pytest.mark.parametrize(
    "weights", [[1] * 6, [1] * 30, [1] * 100, [1] * 15 + [3] * 15, [1, 3] * 15], ids=lambda w: str(len(w))
)
@pytest.mark.parametrize("rows", [21.4, 32.0])
def test_many_tasks_round_up_in_different_steps(weights: list[int], rows: float) -> None:
    """So that each step holds about as many rows. Thirty equal tasks in phase gave 30 and 60."""
    tasks = {
        str(place): TaskPlan(1000, weight / sum(weights), phase=phase(place))
        for place, weight in enumerate(weights)
    }
    plan = Plan(400, rows, 1, tasks)
    sizes = np.diff([sum(rows_before(plan, task, step) for task in tasks) for step in range(401)])
    assert np.abs(sizes - rows).max() <= 4
    assert sizes.std() < 1.5


def test_a_plan_that_was_written_down_draws_as_it_says_and_one_of_before_has_no_phases() -> None:
    task = PlannedTask(
        rows=9,
        excluded=[4],
        share=0.5,
        rows_per_step=6.4,
        phase=0.7,
        mean_tokens=3.0,
        stages=[],
        repeated=[1],
        times=3,
    )
    record = PlanRecord(steps=9, rows_per_step=4.0, window=2, keep=None, tasks={"t": task})
    plan = Plan.of(PlanRecord.model_validate_json(record.model_dump_json()))
    assert [rows_before(plan, "t", step) for step in range(5)] == [0, 3, 7, 10, 13]
    assert sorted(draw(plan, "t", 1, 0, 10)) == [0, 1, 1, 1, 2, 3, 5, 6, 7, 8]
    written = record.model_dump(mode="json")
    del written["tasks"]["t"]["phase"]
    before = Plan.of(PlanRecord.model_validate(written))
    assert [rows_before(before, "t", step) for step in range(5)] == [0, 3, 6, 9, 12]


@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), max_size=n - 1))
    )
)
def test_skip_leaves_out_exactly_the_excluded(case: tuple[int, set[int]]) -> None:
    size, excluded = case
    kept = skip(np.arange(size - len(excluded)), sorted(excluded))
    assert kept.tolist() == [row for row in range(size) if row not in excluded]


def test_long_run_shares_are_the_plans() -> None:
    plan = Plan(1, 10.0, 16, {"a": TaskPlan(100, 0.7), "b": TaskPlan(100, 0.3)})
    assert rows_before(plan, "a", 1000) == 7000
    assert rows_before(plan, "b", 1000) == 3000
    assert (
        rows_before(Plan(1, 10.0, 16, {"a": TaskPlan(100, 0.29)}), "a", 100) == 290
    )  # .29 * 100 is a bit less


@pytest.mark.slow
def test_draws_are_of_the_shares_by_chi_square() -> None:
    """A window of every share: how often each task is drawn, and how often each row of it in the long run."""
    plan = Plan(1, 12.0, 16, {"a": TaskPlan(30, 0.5), "b": TaskPlan(20, 0.3), "c": TaskPlan(7, 0.2)})
    steps = 5000
    counts = {task: rows_before(plan, task, steps) for task in plan.tasks}
    expected = [12 * steps * own.share for own in plan.tasks.values()]
    assert stats.chisquare(list(counts.values()), expected).pvalue > 0.99  # exact, not only likely
    for task, own in plan.tasks.items():
        rows = draw(plan, task, 1, 3, counts[task])  # begins and ends within an epoch
        assert np.ptp(np.bincount(rows, minlength=own.rows)) <= 2


SCHEDULES = {
    "constant": None,
    "curriculum": curriculum({"a": 0.9, "b": 0.1}, {"a": 0.2, "b": 0.8}, 1_000, 60_000),
    "blocks": alternating({"a": 3, "b": 2}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULES)
def test_step_41_007_alone_is_that_of_the_steps_in_order(name: str) -> None:
    schedule = SCHEDULES[name] or {}
    tasks = {
        "a": TaskPlan(5000, 0.6, [3, 9], schedule.get("a")),
        "b": TaskPlan(70, 0.4, (), schedule.get("b")),
    }
    plan, lengths = Plan(80_000, 9.7, 16, tasks), {"a": np.arange(5000) % 90, "b": np.full(70, 8)}
    in_order: dict[str, list[int]] = {"a": [], "b": []}
    for step in range(40_992, 41_008):  # the window of step 41,007, which is its last
        for task, rows in step_rows(plan, 5, step, lengths).items():
            in_order[task] += rows.tolist()
    alone = step_rows(plan, 5, 41_007, lengths)
    for task, rows in in_order.items():
        first, last = rows_before(plan, task, 40_992), rows_before(plan, task, 41_008)
        assert sorted(rows) == sorted(draw(plan, task, 5, 0, last)[first:])  # after all draws before it
        own = alone.get(task, np.empty(0)).tolist()
        assert own == rows[len(rows) - len(own) :]


def test_a_step_of_a_block_holds_one_task_and_its_share_is_one() -> None:
    blocks = SCHEDULES["blocks"]
    tasks = {task: TaskPlan(50, 0.5, schedule=schedule) for task, schedule in blocks.items()}
    plan, lengths = Plan(100, 8.0, 4, tasks), dict.fromkeys(tasks, np.full(50, 8))
    for step in range(100):
        batch = step_rows(plan, 1, step, lengths)
        (task,) = batch
        assert (task, len(batch[task])) == ("aaabb"[step % 5], 8)
        assert share_at(plan, task, step) == 1.0
