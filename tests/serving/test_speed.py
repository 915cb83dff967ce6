from __future__ import annotations

import math

import pytest

from serving.speed import FIRST, Rate, Speed


def speed(*passes: tuple[float, float], times: int = 100) -> Speed:
    """Of so many rounds of these passes (seconds, tokens)."""
    found = Speed()
    for _ in range(times):
        for seconds, tokens in passes:
            found.remember(seconds, tokens)
    return found


def test_a_pass_takes_what_every_pass_does_and_so_much_a_token() -> None:
    found = speed((0.007 + 20 * 3e-4, 20), (0.007 + 400 * 3e-4, 400))
    assert [found.of(tokens) for tokens in (1, 100, 500)] == pytest.approx([0.0073, 0.037, 0.157], rel=0.01)


def test_passes_that_are_all_alike_say_only_what_a_token_takes() -> None:
    assert speed((0.03, 100)).of(200) == pytest.approx(0.06, rel=0.01)
    assert Speed().of(10) == pytest.approx(10 * FIRST)


def test_a_clock_that_stands_still_stops_nothing() -> None:
    found = speed((0.0, 100), (0.0, 7), times=2000)
    assert 0 < found.of(100) < 1e-4


def test_no_line_that_falls_or_begins_below_nothing_is_believed() -> None:
    assert speed((0.05, 20), (0.01, 400)).of(1000) > 0.05
    assert speed((0.001, 20), (0.4, 400)).of(1) > 0


def test_where_passes_vary_more_is_expected_than_their_mean_and_one_that_hung_is_soon_forgotten() -> None:
    assert 1.2 < speed((0.02, 100), (0.04, 100)).of(100) / 0.03 < 1.8
    hung = speed(*[(0.03, 100)] * 100, (300.0, 100), *[(0.03, 100)] * 50, times=1)
    assert hung.of(100) < 0.04


def test_a_rate_is_of_what_came_of_late() -> None:
    rate = Rate(5.0)
    for moment in range(100):
        rate.add(float(moment), 3.0)
    assert rate.rate(99.0) == pytest.approx(3.0, rel=0.15)
    assert rate.rate(104.0) == pytest.approx(rate.rate(99.0) / math.e)
    assert Rate(math.inf).rate(1.0) == 0
