"""Stand-ins for kernels that no CPU has: each is the kernel's documentation, and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import dropout as dropped

from components.model import attention


def by_the_formula(
    states: list[torch.Tensor],
    lengths: tuple[int, ...],
    scaling: float | None,
    window: int | None,
    dropout: float = 0.0,
) -> torch.Tensor:
    """The oracle: softmax(q k^T s) v (Vaswani 2017, equation 1) of each sequence and head by itself, over the
    tokens less than `window` away; q_THd, k_TGd, v_TGd -> attended_THd, G a divisor of H."""
    query, key, value = (one.double() for one in states)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    heads, shared_by = query.shape[1], query.shape[1] // key.shape[1]
    attended, start = [], 0
    for length in lengths:
        own = slice(start, start := start + length)
        places = torch.arange(length)
        hidden_LL = (places[:, None] - places).abs() >= (window or length)
        of_heads = []
        for head in range(heads):
            scores_LL = scale * query[own, head] @ key[own, head // shared_by].T
            weights_LL = dropped(scores_LL.masked_fill(hidden_LL, float("-inf")).softmax(-1), dropout)
            of_heads.append(weights_LL @ value[own, head // shared_by])
        attended.append(torch.stack(of_heads, 1))
    return torch.cat(attended).to(states[0].dtype)


def flash_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, edges: torch.Tensor, also: torch.Tensor,
    longest: int, longest_key: int, dropout: float, causal: bool, debug: bool, *,
    scale: float | None, window_size_left: int, window_size_right: int,
) -> tuple[torch.Tensor]:  # fmt: skip
    """torch's FlashAttention for sequences of any lengths: a token sees so many tokens to its left and to its
    right, itself besides, and all where that is -1."""
    lengths = tuple(edges.diff().tolist())
    assert longest == longest_key == max(lengths)
    assert edges is also
    assert edges.dtype == torch.int32
    assert (causal, debug) == (False, False)
    assert window_size_left == window_size_right
    window = None if window_size_left < 0 else window_size_left + 1
    return (by_the_formula([query, key, value], lengths, scale, window, dropout),)


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CPU have them."""
    monkeypatch.setattr(torch.ops.aten, "_flash_attention_forward", flash_attention)
    attention.trusted.cache_clear()
