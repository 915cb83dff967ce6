"""Sums of absolute values: what chance adds is taken off, and never too much of it."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration import absolute
from components.families.shared.absolute import ends_of_sum, folded

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
