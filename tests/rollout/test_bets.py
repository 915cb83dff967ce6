"""The sequential test, by simulation: how often it is wrong, and how soon it is right."""

from __future__ import annotations

import numpy as np
import pytest

from components.rollout.bets import STAKES, Bets


def highest(values_SN: np.ndarray, margin: float) -> np.ndarray:
    """The highest capital that the gamblers ever had: highest_S, of S runs of N rounds."""
    logs = np.stack([np.cumsum(np.log1p(stake * (values_SN / margin - 1)), 1) for stake in STAKES])
    return np.exp(logs).mean(0).max(1)


@pytest.mark.slow
@pytest.mark.parametrize("margin", [0.01, 0.1, 0.5])
def test_at_the_margin_a_false_alarm_is_as_rare_as_said_however_often_one_looks(margin: float) -> None:
    draw = np.random.default_rng(1)
    values_SN = (draw.random((600, 1500)) < margin).astype(float)
    assert np.mean(highest(values_SN, margin) >= 20) <= 0.05
    assert np.mean(highest(values_SN, margin) >= 20) > 0.005  # and not for want of power


@pytest.mark.slow
def test_it_holds_for_values_between_and_for_a_mean_that_moves_below_the_margin() -> None:
    draw = np.random.default_rng(2)
    means_N = 0.1 * (1 + np.sin(np.arange(2000) / 50)) / 2
    values_SN = draw.beta(means_N * 3, (1 - means_N) * 3, (1000, 2000))
    assert np.mean(highest(values_SN, 0.1) >= 20) <= 0.05


def test_twice_the_margin_is_found_within_hundreds_of_rounds() -> None:
    draw = np.random.default_rng(3)
    values_SN = (draw.random((500, 600)) < 0.2).astype(float)
    assert np.mean(highest(values_SN, 0.1) >= 60) > 0.95


def test_the_rounds_of_several_workers_are_one_game() -> None:
    draw = np.random.default_rng(4)
    values = (draw.random(300) < 0.2).astype(float)
    alone, parts = Bets(), [Bets(), Bets(), Bets()]
    most = 0.0
    for number, value in enumerate(values):
        alone.add(value, 0.1)
        most = max(most, alone.capital)
        parts[number % 3].add(value, 0.1)
    together = Bets.together(parts)
    assert together.capital == pytest.approx(alone.capital)
    assert (together.rounds, together.mean) == (300, pytest.approx(values.mean()))
    assert most == pytest.approx(highest(values[None], 0.1)[0])  # what is simulated above is this game


def test_a_capital_beyond_all_numbers_is_still_one() -> None:
    bets = Bets()
    for _ in range(2000):
        bets.add(1.0, 0.001)
    assert 1e200 < bets.capital < float("inf")
