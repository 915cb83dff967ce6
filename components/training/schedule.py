"""The learning rate over the run: warm-up, then decay."""

from __future__ import annotations

import math

import torch

from components.settings.training import Training


def set_learning_rate(optimiser: torch.optim.Optimizer, step: int, steps: int, training: Training) -> None:
    """The rate is a function of the step alone, so a resumed run has nothing to restore."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor(step, steps, training.warmup, training.schedule)


def factor(step: int, steps: int, warmup: float, schedule: str) -> float:
    """Linear from 0 to 1 over the first `warmup` share of the steps; then `constant`, `linear` towards 0,
    or `cosine`, half of one, towards 0 (Loshchilov & Hutter 2017, equation 5, without restarts)."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    left = (steps - step) / max(1, steps - rising)
    return {"constant": 1.0, "linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2}[schedule]
