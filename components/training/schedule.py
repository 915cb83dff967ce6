"""The learning rate over the run: warm-up, then decay."""

from __future__ import annotations

import math

import torch

from components.settings.training import Training


def set_learning_rate(optimiser: torch.optim.Optimizer, step: int, steps: int, training: Training) -> None:
    """The rate is a function of the step alone, so a resumed run has nothing to restore."""
    set_rates(optimiser, factor(step, steps, training.warmup, training.schedule))


def set_rates(optimiser: torch.optim.Optimizer, share: float) -> None:
    """Set every group's rate to this share of its highest."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * share


def factor(step: int, steps: int, warmup: float, schedule: str) -> float:
    """Linear from 0 to 1 over the first `warmup` share of the steps; then `constant`, `linear` towards 0,
    or `cosine`, half of one, towards 0 (Loshchilov & Hutter 2017, equation 5, without restarts)."""
    rising = max(1, round(warmup * steps))
    return trapezium(step, rising, rising, steps, schedule)


def trapezium(step: int, rising: int, falls: int, steps: int, schedule: str) -> float:
    """The same where the rates stay at their highest until the step `falls`."""
    if step < rising:
        return (step + 1) / rising
    if step < falls:
        return 1.0
    left = (steps - step) / max(1, steps - max(rising, falls))
    return {"constant": 1.0, "linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2}[schedule]
