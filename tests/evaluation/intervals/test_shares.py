"""Intervals of a share of right rows: the published ones, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from components.evaluation.intervals import interval, score, wilson
from components.evaluation.units import Sample, Units, sample
from components.families.shared.counts import FEW
from tests.evaluation.intervals.measured import ERROR, SHARE


def share(right: int, rows: int) -> Sample:
    table = np.stack([np.arange(rows) < right, np.ones(rows)], axis=1).astype(float)
    return sample(SHARE, table, Units(rows))


@pytest.mark.parametrize(
    ("right", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_share_is_the_published_one(right: int, rows: int, low: float, high: float) -> None:
    """Newcombe 1998, table I, method 3."""
    assert wilson(right / rows, rows, 1.959964) == pytest.approx([low, high], abs=1e-4)
    if right > FEW or right == 0:
        assert interval(SHARE, share(right, rows), 0.95) == pytest.approx([low, high], abs=1e-4)


@given(st.integers(1, 300).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows))))
def test_the_interval_of_a_share_is_scipys(case: tuple[int, int]) -> None:
    right, rows = case
    expected = stats.binomtest(right, rows).proportion_ci(0.95, method="wilson")
    assert wilson(right / rows, rows, 1.959964) == pytest.approx([expected.low, expected.high], abs=1e-6)
    if min(right, rows - right) > FEW:
        assert interval(SHARE, share(right, rows), 0.95) == pytest.approx(
            [expected.low, expected.high], abs=1e-5
        )


@pytest.mark.parametrize(("wrong", "rows"), [(1, 50), (2, 50), (3, 100), (5, 60)])
def test_an_end_that_few_rows_make_holds_what_their_poisson_count_allows(wrong: int, rows: int) -> None:
    """Brown, Cai & DasGupta 2001, section 4.1.1: the mean of which so many or more have a chance of 5 %."""
    low, high = interval(SHARE, share(rows - wrong, rows), 0.95)
    assert stats.poisson.sf(wrong - 1, (1 - high) * rows) == pytest.approx(0.05, abs=1e-6)
    assert (low, high) == pytest.approx(share_ends(rows - wrong, rows), abs=1e-5)


def share_ends(right: int, rows: int) -> tuple[float, float]:
    """By the chi-squared quantiles of that paper."""
    low, high = wilson(right / rows, rows, 1.959964)
    return low, max(high, 1 - stats.chi2.ppf(0.05, 2 * (rows - right)) / 2 / rows)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [50, 100, 200, 700])
def test_the_interval_of_a_share_covers_at_least_93_percent_at_every_accuracy(rows: int) -> None:
    """By the binomial distribution itself; 97 % at most in the mean, though not at each: near 1 there is
    nothing between 91 and 98 %."""
    right = np.arange(rows + 1)
    ends = np.array([interval(SHARE, share(int(one), rows), 0.95) for one in right])
    covered = [
        stats.binom.pmf(right, rows, accuracy)[(ends[:, 0] <= accuracy) & (accuracy <= ends[:, 1])].sum()
        for accuracy in np.linspace(0.5, 1 - 0.5 / rows, 200)
    ]
    assert min(covered) > 0.929
    assert np.mean(covered) < 0.96


def test_an_effective_number_of_rows_is_no_count_of_rows() -> None:
    """Wilson's interval alone, with Student's t; an end of a share that few rows make lies further out."""
    assert score(0.95, 20, 0.975, 49) == pytest.approx(wilson(0.95, 20, float(stats.t.ppf(0.975, 49))))
    counted, alone = score(0.95, 20, 0.975, None), wilson(0.95, 20, 1.96)
    assert counted[1] > alone[1] or counted[0] < alone[0]


def test_no_interval_of_a_share_of_99_percent_in_50_rows_covers_between_92_and_98_percent() -> None:
    """Whatever the numbers of right answers are whose interval holds it, as long as they are neighbours."""
    chance = stats.binom.pmf(np.arange(51), 50, 0.99)
    ranges = [chance[low:high].sum() for low in range(51) for high in range(low + 1, 52)]
    assert not [one for one in ranges if 0.93 <= one <= 0.97]


def test_no_error_in_few_rows_is_no_certainty() -> None:
    """As many rows as Wilson's interval allows may have one, worth three."""
    table = np.stack([np.zeros(50), np.ones(50)], axis=1)
    low, high = interval(ERROR, sample(ERROR, table, Units(50)), 0.95, worth=3.0)
    assert (low, high) == (pytest.approx(-3 * (1 - wilson(1, 50, 1.959964)[0])), 0)
