"""Paired differences against published intervals, exact tests and a likelihood that is maximised anew."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from components.evaluation.difference import Difference, tango_variance

CASES = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400)).filter(
    lambda one: sum(one) > 0
)


def of(won: float, lost: float, units: int) -> Difference:
    return Difference(won=won, lost=lost, units=units, worth=1.0, freedom=None)


def test_the_interval_is_the_published_one() -> None:
    """Airway reactivity before and after a transplantation (Fagerland, Lydersen & Laake 2014): 1 and 7 of 21."""
    assert of(1, 7, 21).interval(0.95) == pytest.approx([-0.517, -0.026], abs=5e-4)


@pytest.mark.parametrize(("won", "lost", "units"), [(9, 1, 50), (3, 8, 40), (0, 5, 100), (30, 20, 200)])
@pytest.mark.parametrize("share", [-0.3, -0.05, 0.02, 0.3])
def test_the_score_is_that_of_the_likelihood_where_it_is_largest(
    won: int, lost: int, units: int, share: float
) -> None:
    def surprise(lost_share: float) -> float:
        shares = (lost_share + share, lost_share, 1 - 2 * lost_share - share)
        counts = (won, lost, units - won - lost)
        return -sum(n * math.log(max(p, 1e-12)) for n, p in zip(counts, shares, strict=True))

    least, most = max(0.0, -share), (1 - share) / 2
    found = optimize.minimize_scalar(
        surprise, bounds=(least, most), method="bounded", options={"xatol": 1e-10}
    ).x
    variance = units * (2 * found + share - share**2)
    assert tango_variance(won, lost, units, share) == pytest.approx(variance, rel=2e-3)


@pytest.mark.parametrize(("won", "lost"), [(0, 5), (1, 7), (4, 12), (6, 6), (9, 2), (0, 1)])
def test_few_units_that_differ_get_the_exact_p(won: int, lost: int) -> None:
    exact = stats.binomtest(lost, won + lost, 0.5, alternative="greater").pvalue
    assert of(won, lost, 1000).p_worse() == pytest.approx(exact)


def test_no_unit_that_differs_shows_nothing() -> None:
    same = of(0, 0, 24)
    assert same.p_worse() == 1.0
    assert same.interval(0.95) == pytest.approx(
        [-(1.96**2) / (24 + 1.96**2), 1.96**2 / (24 + 1.96**2)], abs=1e-4
    )
    assert same.least_excluded(0.95) == pytest.approx(1.645**2 / (24 + 1.645**2), abs=1e-4)


def test_a_p_is_as_small_as_any_number_of_comparisons_asks() -> None:
    assert of(0, 40, 1000).p_worse() < 0.05 / 1_000_000
    assert of(100, 900, 10_000).p_worse(0.01) < 1e-12


@given(CASES, st.floats(0.6, 0.999))
def test_the_interval_holds_the_difference_and_is_the_mirror_of_the_other_order(
    case: tuple[int, int, int], confidence: float
) -> None:
    won, lost, _ = case
    one, other = of(won, lost, sum(case)), of(lost, won, sum(case))
    low, high = one.interval(confidence)
    assert -1 <= low <= one.value <= high <= 1
    assert other.interval(confidence) == pytest.approx([-high, -low], abs=1e-9)
    assert low <= one.low(confidence)


@given(CASES)
def test_more_rows_of_the_same_kind_tell_more(case: tuple[int, int, int]) -> None:
    won, lost, _ = case
    few, many = of(won, lost, sum(case)), of(4 * won, 4 * lost, 4 * sum(case))
    widths = [high - low for low, high in (few.interval(0.95), many.interval(0.95))]
    assert widths[1] < widths[0]


@given(CASES, st.floats(0, 0.5))
def test_a_larger_loss_is_shown_less_easily(case: tuple[int, int, int], loss: float) -> None:
    one = of(case[0], case[1], sum(case))
    assert one.p_worse(loss) >= one.p_worse(loss / 2) - 1e-9
    assert 0 < one.p_worse(loss) <= 1


def test_the_worth_of_a_unit_scales_every_bound() -> None:
    plain, half = of(9, 3, 60), of(9, 3, 60).model_copy(update={"worth": 0.5})
    assert half.interval(0.9) == pytest.approx([end / 2 for end in plain.interval(0.9)])
    assert half.p_worse(0.01) == pytest.approx(plain.p_worse(0.02))


def test_a_loss_that_no_row_shows_may_be_one_of_rows_that_are_worth_more() -> None:
    """Nothing lost in n rows: so many rows' worth as z^2 / n of them may be, each worth three."""
    seen, unseen = (of(12, 12, 60).model_copy(update={"freedom": 59, "unseen": one}) for one in (1.0, 3.0))
    assert unseen.low(0.95) < seen.low(0.95) - 0.03
    assert unseen.high(0.95) > seen.high(0.95) + 0.03
    none = of(0, 0, 1000).model_copy(update={"unseen": 3.0})
    assert none.least_excluded(0.95) == pytest.approx(3 * 1.645**2 / 1000, rel=0.01)


@pytest.mark.parametrize("won", [17, 18, 19, 20])
def test_whether_a_difference_is_shown_does_not_hang_on_what_no_row_shows(won: int) -> None:
    """That none is lost or won is tested by the rows that differ alone, and what lies beyond is as far off."""
    lows = [
        of(won, 8, 60).model_copy(update={"freedom": 59, "unseen": one}).low(0.95) for one in (1.0, 3.0, 30.0)
    ]
    assert len({low > 0 for low in lows}) == 1
    assert all(one > other - 1e-12 for one, other in pairwise(lows))


@given(CASES, st.floats(1, 40), st.floats(0, 0.5))
def test_a_larger_loss_is_shown_less_easily_whatever_a_row_is_worth(
    case: tuple[int, int, int], unseen: float, loss: float
) -> None:
    one = of(case[0], case[1], sum(case)).model_copy(update={"unseen": unseen, "freedom": sum(case)})
    assert one.p_worse(loss) >= one.p_worse(loss / 2) - 1e-9
    assert one.low(0.95) <= one.value <= one.high(0.95)


def test_evidence_of_before_has_the_bounds_that_it_had() -> None:
    """It does not say what a row is worth that is not seen, and its score has Student's t."""
    before = of(12, 4, 100).model_copy(update={"freedom": 99})
    assert before.low(0.95) < before.model_copy(update={"unseen": 1.0}).low(0.95)


def test_the_standard_error_is_that_of_a_paired_difference() -> None:
    assert of(12, 4, 100).standard_error == pytest.approx(math.sqrt((0.16 - 0.08**2) / 100))
    assert of(0, 20, 20).standard_error == 0
