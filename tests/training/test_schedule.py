"""The learning rate's factor at the places where it can be worked out by hand."""

from __future__ import annotations

import itertools
import math

import pytest

from components.training.schedule import factor


@pytest.mark.parametrize(
    ("schedule", "half", "last"),
    [("linear", 1 / 2, 1 / 90), ("cosine", 1 / 2, (1 - math.cos(math.pi / 90)) / 2), ("constant", 1, 1)],
)
def test_the_rate_rises_and_then_follows_its_schedule(schedule: str, half: float, last: float) -> None:
    rates = [factor(step, 100, 0.1, schedule) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(half)
    assert rates[99] == pytest.approx(last)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))


def test_the_cosine_is_torchs_own() -> None:
    import torch

    weight = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([weight], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=90)
    for step in range(10, 100):
        assert factor(step, 100, 0.1, "cosine") == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)
        optimiser.step()
        theirs.step()


def test_a_run_of_one_step_has_a_rate() -> None:
    assert factor(0, 1, 0.0, "cosine") == 1.0
