"""Attention on a CPU while a model learns: forward and backward spelled out, a call for each length.

torch has a kernel for its own on a CPU, but none with dropout, and the gradient of the one in bf16 takes four
times as long as that of the same in single precision. So scores and weights are in single precision here,
whatever the states are in, which is exact too; and dropout's random bits are kept, not a product with them.
Weights are kept until the backward pass, of every layer: n H L^2 numbers. So where a sequence is long and
nothing is dropped, `attention.by_length` takes torch's kernel, which computes them again.

Legend: T tokens of all sequences, H heads of attention, d width of one, n sequences of one length L.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from components import device as devices
from components.data.batches.pack import Group, Pack
from components.dropout import kept_of


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    pack: Pack,
    dropout: float,
    scaling: float | None,
    window: int | None,
) -> torch.Tensor:
    """softmax(q k^T s) v within each sequence (Vaswani 2017, equation 1): q_THd, k_THd, v_THd ->
    attended_THd, once differentiable. Where several heads share a key, it is given to each."""
    shared_by = query.shape[1] // key.shape[1]
    if shared_by > 1:
        key, value = (one.repeat_interleave(shared_by, 1) for one in (key, value))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    attended: torch.Tensor = _Attention.apply(query, key, value, pack, dropout, scale, window)  # type: ignore[no-untyped-call]
    return attended


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        pack: Pack,
        dropout: float,
        scale: float,
        window: int | None,
    ) -> torch.Tensor:
        attended = torch.empty_like(query, memory_format=torch.contiguous_format)
        weights, kept, learns = [], [], any(ctx.needs_input_grad)
        ctx.rise = 1.0  # of the weights that dropout keeps
        with devices.full_precision(query.device):
            for group in pack.groups:
                q_NLd, k_NLd, v_NLd = (_taken(one, group) for one in (query, key, value))
                scores_NLL = torch.bmm(q_NLd.mul_(scale), k_NLd.mT)
                if window is not None and group.length > window:
                    scores_NLL.masked_fill_(_beyond(group.length, window), float("-inf"))
                weights_NLL = torch.softmax(scores_NLL, -1)
                if learns:
                    weights.append(weights_NLL)
                if dropout:
                    kept_NLL, ctx.rise = kept_of(weights_NLL.shape, dropout)
                    if learns:
                        kept.append(kept_NLL)
                    weights_NLL = torch.mul(weights_NLL, kept_NLL, out=scores_NLL)
                _put(attended, torch.bmm(weights_NLL, v_NLd.mul_(ctx.rise)), group)
        ctx.save_for_backward(query, key, value, *weights, *kept)
        ctx.pack, ctx.scale = pack, scale
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, key, value, *saved = ctx.saved_tensors
        groups: list[Group] = ctx.pack.groups
        weights, kept = saved[: len(groups)], saved[len(groups) :] or [None] * len(groups)
        of_query, of_key, of_value = (torch.empty_like(gradient) for _ in range(3))
        with devices.full_precision(query.device):
            for group, weights_NLL, kept_NLL in zip(groups, weights, kept, strict=True):
                given = (_taken(one, group) for one in (query, key, value, gradient))
                q_NLd, k_NLd, v_NLd, gradient_NLd = given
                gradient_NLd.mul_(ctx.rise)
                used_NLL = weights_NLL if kept_NLL is None else weights_NLL * kept_NLL
                _put(of_value, torch.bmm(used_NLL.mT, gradient_NLd), group)
                of_weights_NLL = torch.bmm(gradient_NLd, v_NLd.mT)
                if kept_NLL is not None:
                    of_weights_NLL.mul_(kept_NLL)
                of_scores_NLL = torch._softmax_backward_data(of_weights_NLL, weights_NLL, -1, torch.float32)
                _put(of_key, torch.bmm(of_scores_NLL.mT, q_NLd.mul_(ctx.scale)), group)
                _put(of_query, torch.bmm(of_scores_NLL, k_NLd.mul_(ctx.scale)), group)
        return of_query, of_key, of_value, None, None, None, None


def _taken(states_THd: torch.Tensor, group: Group) -> torch.Tensor:
    """A group's states by themselves, in single precision: one_NLd of N = nH sequences and heads."""
    number, length, tokens = group
    _, heads, width = states_THd.shape
    found_nHLd = torch.empty(number, heads, length, width)
    found_nHLd.copy_(states_THd[tokens].view(number, length, heads, width).transpose(1, 2))
    return found_nHLd.view(-1, length, width)


def _put(into_THd: torch.Tensor, states_NLd: torch.Tensor, group: Group) -> None:
    """The inverse of `_taken`."""
    number, length, tokens = group
    _, heads, width = into_THd.shape
    states_nLHd = states_NLd.view(number, heads, length, width).transpose(1, 2)
    into_THd[tokens] = states_nLHd.reshape(-1, heads, width).to(into_THd.dtype)


def _beyond(length: int, window: int) -> torch.Tensor:
    """hidden_LL: which tokens are `window` or more apart."""
    places = torch.arange(length)
    return (places[:, None] - places).abs() >= window
