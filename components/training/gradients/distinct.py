"""The distinct numbers among many, without a read where reads cost."""

from __future__ import annotations

import torch

from components import device as devices


def distinct(numbers_N: torch.Tensor, kinds: int) -> tuple[torch.Tensor, torch.Tensor]:
    """distinct_U in rising order, of at most `kinds`, and place_N: which of them each number is.

    How many there are is known where they are alone. So where a read costs, U is a bound, the smaller one of
    N and `kinds`, and what there is too much of repeats the largest number, is last, and is no one's place.
    """
    if not devices.counts_launches(numbers_N.device):
        distinct_U, place_N = numbers_N.unique(return_inverse=True)
        return distinct_U, place_N
    sorted_N, order_N = numbers_N.sort()
    begins_N = (sorted_N != sorted_N.roll(1)).long()
    rank_N = begins_N.cumsum(0) - begins_N[:1]  # the first begins, too, where all are alike
    bound = torch.arange(min(len(numbers_N), kinds), device=numbers_N.device)
    first_U = torch.searchsorted(rank_N, bound).clamp(max=max(0, len(numbers_N) - 1))
    return sorted_N[first_U], rank_N[order_N.argsort()]
