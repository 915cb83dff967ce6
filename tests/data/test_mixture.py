"""Shares by their formulas; draws that are a function of (plan, seed, step) and visit a row once an epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data.mixture import Plan, TaskPlan, draw, drawn_before, permute, shares, skip
from components.settings import Mixture

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


def test_one_batch_of_a_hundred_million_rows_needs_no_table() -> None:
    plan = Plan(10**6, 64.0, 16, {"t": TaskPlan(100_000_000, 1.0)})
    rows = draw(plan, "t", 0, 10**9, 10**9 + 64)
    assert len(set(rows.tolist())) == 64
    assert rows.max() < 100_000_000


@given(share=st.floats(0.01, 1), step=st.integers(0, 10**7), rows=st.floats(1, 500))
def test_every_step_holds_the_share_up_to_rounding(share: float, step: int, rows: float) -> None:
    plan = Plan(1, rows, 16, {"t": TaskPlan(10, share)})
    size = drawn_before(plan, "t", step + 1) - drawn_before(plan, "t", step)
    assert abs(size - rows * share) < 1


def test_an_epoch_visits_every_usable_row_once() -> None:
    plan = Plan(1, 8.0, 16, {"t": TaskPlan(10, 1.0, [2, 3, 9])})
    usable = {0, 1, 4, 5, 6, 7, 8}
    assert set(draw(plan, "t", 3, 0, 7).tolist()) == usable
    assert set(draw(plan, "t", 3, 7, 14).tolist()) == usable
    assert draw(plan, "t", 3, 0, 7).tolist() != draw(plan, "t", 3, 7, 14).tolist()


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
    assert drawn_before(plan, "a", 1000) == 7000
    assert drawn_before(plan, "b", 1000) == 3000
