"""Inner products of the tasks' gradients."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch

BLOCK = 1 << 16  # entries at a time: single precision within a block, double from block to block


def inner_products(stacks: Iterable[torch.Tensor], tasks: int) -> np.ndarray:
    """gramian_KK in float64 of the K tasks' gradients, a stack gradient_K... for every parameter; exact to
    about 1e-7 of the product of the norms."""
    total_KK = torch.zeros(tasks, tasks, dtype=torch.float64)
    for stack in stacks:
        for block_Kp in stack.flatten(1).split(BLOCK, dim=1):
            total_KK += (block_Kp @ block_Kp.T).double().cpu()
    return total_KK.numpy()
