"""AdamW with warm-up and linear decay; one learning rate for the encoder, one for the heads."""

from __future__ import annotations

import torch

from components.model.multitask import MultiTaskModel
from components.settings import Training


def adamw(model: MultiTaskModel, training: Training) -> torch.optim.AdamW:
    """Decoupled weight decay (Loshchilov & Hutter 2019), not on biases and normalisation weights."""
    groups = []
    for prefix, rate in (("encoder.", training.learning_rate), ("heads.", training.head_learning_rate)):
        named = [(name, p) for name, p in model.named_parameters() if name.startswith(prefix)]
        for decay in (True, False):
            parameters = [p for _, p in named if (p.ndim >= 2) == decay]
            weight_decay = training.weight_decay if decay else 0.0
            groups.append({"params": parameters, "lr": rate, "weight_decay": weight_decay, "base_lr": rate})
    return torch.optim.AdamW(groups, fused=True)


def set_learning_rate(optimiser: torch.optim.Optimizer, step: int, steps: int, warmup: float) -> None:
    """The rate is a function of the step alone, so a resumed run has nothing to restore."""
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor(step, steps, warmup)


def factor(step: int, steps: int, warmup: float) -> float:
    """Linear from 0 to 1 over the first `warmup` share of the steps, then linear towards 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising)
