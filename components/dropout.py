"""Dropout (Srivastava 2014) whose random numbers are cheap on a CPU.

torch draws a Bernoulli number at a time there, which was a tenth of a training step. Here one 64-bit
number of torch's generator gives four elements 16 bits each.
"""

from __future__ import annotations

import torch
from torch import nn

LEVELS = 2**16  # of 16 bits: a probability is rounded to one of them, and the scale follows it


def dropped(values: torch.Tensor, probability: float) -> torch.Tensor:
    """Each element is 0 with `probability`, else it is scaled so that its mean stays: of any shape.

    The draws are a function of torch's seed and, as torch's own, of the device.
    """
    if values.device.type != "cpu":
        return nn.functional.dropout(values, probability)
    level_N, least, rise = _drawn(values.shape, probability)
    kept = torch.empty_like(values, memory_format=torch.contiguous_format, requires_grad=False)
    torch.ge(level_N, least, out=kept)  # 0 and 1 in the type of the values
    return values * kept.mul_(rise)


def kept_of(shape: torch.Size, probability: float) -> tuple[torch.Tensor, float]:
    """Which elements `dropped` keeps on a CPU, as 0 and 1 in int8, and what it multiplies them by. To
    multiply by a bool costs three times as much: it is made a number first, an element at a time."""
    level_N, least, rise = _drawn(shape, probability)
    kept = torch.empty(shape, dtype=torch.int8)
    return torch.ge(level_N, least, out=kept), rise


def _drawn(shape: torch.Size, probability: float) -> tuple[torch.Tensor, int, float]:
    """A level for each element, the least one that is kept, and what keeps the mean."""
    count = shape.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    lost = min(round(probability * LEVELS), LEVELS - 1)
    return bits.view(torch.int16)[:count].view(shape), lost - LEVELS // 2, LEVELS / (LEVELS - lost)


class Dropout(nn.Dropout):
    """`dropped` in training, nothing else."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 torch's name of it
        return dropped(input, self.p) if self.training and self.p else input


def quicken(module: nn.Module) -> None:
    """Put our Dropout in place of torch's in all of a module."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Dropout:
                setattr(parent, name, Dropout(child.p))
