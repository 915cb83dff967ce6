"""Sums of absolute values: what chance adds is taken off, and never too much of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from benchmarks.calibration import absolute
from components.evaluation.intervals import _variance, interval
from components.evaluation.units import Units, sample
from components.families.click.metrics import calibration, ends_of_calibration
from components.families.shared.absolute import (
    _behind,
    _low_quantile,
    _moments,
    ends_of_sum,
    folded,
)

SPREAD_B = np.full(10, 5.0)
SHAPES = {
    "to one side": np.ones(10),
    "to either": np.resize([1.0, -1.0], 10),
    "in one of ten": 10 * np.eye(10)[0],
}


@pytest.mark.parametrize("off", [0.0, 0.5, 1.5, 4.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_end_holds_the_truth(shape: str, off: float) -> None:
    """97.5 % of 400, less two standard errors."""
    true_B, generator = off * SPREAD_B * SHAPES[shape], np.random.default_rng(1)
    drawn = (ends_of_sum(generator.normal(true_B, SPREAD_B), SPREAD_B, 0.975) for _ in range(400))
    held = np.mean(
        [(low <= np.abs(true_B).sum() + 1e-9, np.abs(true_B).sum() <= high) for low, high in drawn], 0
    )
    assert held.min() >= 0.96


def test_of_large_parts_the_ends_are_those_of_a_sum_of_normal_numbers() -> None:
    """Nothing is lost where chance adds nothing."""
    low, high = ends_of_sum(np.full(10, 40.0), SPREAD_B, 0.975)
    assert (low, high) == pytest.approx((400 - 1.96 * 5 * 10**0.5, 400 + 1.96 * 5 * 10**0.5), abs=0.01)


def test_what_no_test_shows_may_be_none_and_what_has_no_spread_is_known() -> None:
    assert ends_of_sum(np.array([1.0, -1.0]), np.array([5.0, 5.0]), 0.975)[0] == 0
    assert ends_of_sum(np.array([3.0, -4.0]), np.zeros(2), 0.975) == (7.0, 7.0)


@pytest.mark.slow
def test_clicks_that_are_few_in_each_bin_show_no_error_where_there_is_none() -> None:
    """Of 100 rows 75 % of such test sets held it, by the chi-squared number of bins with many clicks."""
    asked = absolute.ASKED["calibration error of clicks: both right"]
    generator = np.random.default_rng(0)
    drawn = (asked.draw(asked.model, asked.champion, 100, generator).interval[1] for _ in range(60))
    assert np.mean([high == 1 for high in drawn]) >= 0.93


def test_the_mean_of_a_folded_number_is_that_of_draws() -> None:
    drawn = np.abs(np.random.default_rng(0).normal(0.7, 1.0, 200_000)).mean()
    assert folded(np.array([0.7]), np.ones(1))[0] == pytest.approx(drawn, abs=0.01)


@pytest.mark.parametrize("true", [0.0, 0.7, 2.0, 6.0])
def test_the_moments_of_a_folded_number_are_those_of_scipy(true: float) -> None:
    mean, variance, skewness = stats.foldnorm(true).stats("mvs")
    assert _moments(true) == pytest.approx((mean, variance, skewness * variance**1.5), abs=1e-9)


@pytest.mark.parametrize("spread_B", [SPREAD_B, np.geomspace(1, 10, 4), np.ones(2)])
@pytest.mark.parametrize("true", [0.0, 0.5, 1.0, 3.0])
def test_the_low_quantile_of_a_sum_is_that_of_draws(spread_B: np.ndarray, true: float) -> None:
    drawn_SB = np.random.default_rng(0).normal(true * spread_B, spread_B, (100_000, len(spread_B)))
    mean, variance, third = _moments(true)
    below = _low_quantile(variance * (spread_B**2).sum(), third * (spread_B**3).sum(), 0.975)
    expected, whole = np.quantile(np.abs(drawn_SB).sum(1), 0.025), np.sqrt((spread_B**2).sum())
    assert mean * spread_B.sum() + below == pytest.approx(expected, abs=0.11 * whole)
    assert mean * spread_B.sum() + below <= expected + 0.02 * whole  # nor is it above, but for chance


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_what_is_behind_a_low_sum_is_the_truth_that_makes_no_more_as_seldom(true: float) -> None:
    drawn_SB = np.random.default_rng(0).normal(true * SPREAD_B, SPREAD_B, (100_000, 10))
    seen = float(np.quantile(np.abs(drawn_SB).sum(1), 0.025))
    assert _behind(seen, SPREAD_B, 0.975) == pytest.approx(true * 50, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("off", [1.0, 1.5])
def test_the_high_end_of_a_sum_to_which_chance_adds_least_misses_as_often_as_it_may(off: float) -> None:
    """It missed in .3 % and 1.1 %, by the spread of x instead of that of |x|."""
    true_B, generator = off * SPREAD_B, np.random.default_rng(2)
    drawn = [ends_of_sum(generator.normal(true_B, SPREAD_B), SPREAD_B, 0.975)[1] for _ in range(4000)]
    assert 0.017 <= np.mean(np.array(drawn) < true_B.sum()) <= 0.033


def test_parts_that_are_large_do_not_hide_that_others_are_small() -> None:
    """Five of them, and five such as chance makes of none: the end is put together from those of the two."""
    large, small, five_B = np.full(5, 50.0), np.full(5, 4.0), SPREAD_B[:5]
    own, middle, normal = ends_of_sum(small, five_B, 0.975)[1], _behind(20, five_B, 0.5), 1.96 * 5 * 5**0.5
    both = ends_of_sum(np.concatenate([large, small]), SPREAD_B, 0.975)[1]
    assert both == pytest.approx(250 + middle + np.hypot(normal, own - middle), abs=0.01)
    assert both < 270 + 0.8 * 1.96 * 5 * 10**0.5  # of normal numbers without a kink


@pytest.mark.parametrize("parts", [1, 2, 10, 40])
def test_the_ends_hold_what_is_seen_and_move_apart_as_they_get_surer(parts: int) -> None:
    generator = np.random.default_rng(parts)
    for size in (0.0, 0.3, 1.0, 3.5, 40.0):
        spread_B = generator.exponential(size=parts) ** 2 + 1e-3
        seen_B = generator.normal(size * spread_B, spread_B)
        ends = [ends_of_sum(seen_B, spread_B, level) for level in (0.75, 0.9, 0.975, 0.999, 1 - 1e-9)]
        assert all(0 <= low <= np.abs(seen_B).sum() <= high < np.inf for low, high in ends)
        assert all(one[0] >= other[0] and one[1] <= other[1] + 1e-9 for one, other in pairwise(ends))


def test_a_calibration_has_the_ends_of_its_bins_alone() -> None:
    """The jackknife's, which are farther by the spread of x, are not put around them."""
    generator = np.random.default_rng(0)
    true_N = generator.beta(2, 8, 300)
    table = calibration((generator.random(300) < true_N).astype(float), true_N)
    found = sample(absolute.CALIBRATION, table, Units(300))
    assert found.sums_S is not None
    low, high = ends_of_calibration(found.sums_S, _variance(found), 0.975)
    ends = interval(absolute.CALIBRATION, found, 0.95)
    assert ends == pytest.approx([min(low, found.value), max(high, found.value)])
