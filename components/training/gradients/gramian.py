"""Inner products of the tasks' gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from components import device as devices

BLOCK = 1 << 16  # entries at a time: single precision within a block, double from block to block


def inner_products(stacks: Iterable[torch.Tensor], tasks: int) -> torch.Tensor:
    """gramian_KK in float64 of the K tasks' gradients, a stack gradient_K... for every parameter; exact to
    about 1e-7 of the product of the norms. It stays where the gradients are."""
    total_KK: torch.Tensor | None = None
    for stack in stacks:
        flat_Kp = stack.flatten(1)
        ways = _batched if devices.counts_launches(stack.device) else _one_by_one
        for product_KK in ways(flat_Kp):
            total_KK = product_KK if total_KK is None else total_KK + product_KK
    return torch.zeros(tasks, tasks, dtype=torch.float64) if total_KK is None else total_KK


def _one_by_one(flat_Kp: torch.Tensor) -> Iterator[torch.Tensor]:
    for block_Kp in flat_Kp.split(BLOCK, dim=1):
        yield (block_Kp @ block_Kp.T).double()


def _batched(flat_Kp: torch.Tensor) -> Iterator[torch.Tensor]:
    """All whole blocks by one product, and the rest by another."""
    whole = flat_Kp.shape[1] // BLOCK * BLOCK
    if whole:
        blocks_nKp = flat_Kp[:, :whole].unflatten(1, (-1, BLOCK)).transpose(0, 1)
        yield torch.bmm(blocks_nKp, blocks_nKp.mT).double().sum(0)
    if whole < flat_Kp.shape[1]:
        rest_Kp = flat_Kp[:, whole:]
        yield (rest_Kp @ rest_Kp.T).double()
