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
    count = values.numel()
    bits = torch.empty(-(-count // 4), dtype=torch.int64).random_(-(2**63), None)
    level_N = bits.view(torch.int16)[:count].view(values.shape)
    lost = min(round(probability * LEVELS), LEVELS - 1)
    kept = torch.empty_like(values, memory_format=torch.contiguous_format, requires_grad=False)
    torch.ge(level_N, lost - LEVELS // 2, out=kept)  # 0 and 1 in the type of the values
    return values * kept.mul_(LEVELS / (LEVELS - lost))


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
