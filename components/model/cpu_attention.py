"""Attention on a CPU while a model learns: forward and backward spelled out, a call for each length.

torch has a kernel for its own on a CPU, but none with dropout, and the gradient of the one in bf16 takes four
times as long as that of the same in single precision. So scores and weights are in single precision here,
whatever the states are in; and dropout's random bits are kept, not a product with them. In half precision the
products with the weights are rounded to it where sequences are long (`LONG`), as FlashAttention's are.
Weights are kept until the backward pass, of every layer: n H L^2 numbers. So where a sequence is long and
nothing is dropped, `attention.by_length` takes torch's kernel, which computes them again.

Legend: T tokens of all sequences, H heads of attention, d width of one, R = TH states of all, n sequences of
one length L, N = nH, S weights of all.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from components import device as devices
from components.data.batches.pack import ByHead, Pack
from components.dropout import kept_of

LONG = 96  # tokens from which a product in half precision is the faster, of however many sequences


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
        order, learns = pack.by_head(query.shape[1]), any(ctx.needs_input_grad)
        given = [_by_head(one, order) for one in (query, key, value)]
        kept_S, rise = kept_of(torch.Size([order.squares]), dropout) if dropout else (None, 1.0)
        attended, weights = torch.empty_like(given[0]), []
        with devices.full_precision(query.device):
            exact = (order.parts(one.float()) for one in given[:2])
            used = (order.parts(one) for one in (given[2], attended))
            for q_NLd, k_NLd, v_NLd, into_NLd, kept_NLL in zip(
                *exact, *used, order.each(kept_S), strict=True
            ):
                scores_NLL = _product(q_NLd, k_NLd.mT, scale)
                length = scores_NLL.shape[1]
                if window is not None and length > window:
                    scores_NLL.masked_fill_(_beyond(length, window), float("-inf"))
                weights_NLL = torch.softmax(scores_NLL, -1)
                if learns:
                    weights.append(weights_NLL)
                if kept_NLL is not None:
                    weights_NLL = torch.mul(weights_NLL, kept_NLL, out=scores_NLL)
                _multiply(into_NLd, weights_NLL, v_NLd, rise)
        if learns:
            ctx.save_for_backward(*given, kept_S, *weights)
        ctx.order, ctx.scale, ctx.rise = order, scale, rise
        return _by_token(attended, order, query)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        order: ByHead = ctx.order
        query, key, value, kept_S, *weights = (
            ctx.saved_tensors
        )  # once: some are computed again as they are read
        own = _by_head(gradient, order)
        found = [torch.empty_like(own) for _ in range(3)]
        with devices.full_precision(gradient.device):
            exact = (order.parts(one.float()) for one in (value, own))
            rest = (order.parts(one) for one in (query, key, own, *found))
            every = zip(weights, order.each(kept_S), *exact, *rest, strict=True)
            for weights_NLL, kept_NLL, exact_v, exact_g, q_NLd, k_NLd, g_NLd, of_q, of_k, of_v in every:
                used_NLL = weights_NLL if kept_NLL is None else weights_NLL * kept_NLL
                _multiply(of_v, used_NLL.mT, g_NLd, ctx.rise)
                of_weights_NLL = _product(exact_g, exact_v.mT, ctx.rise)
                if kept_NLL is not None:
                    of_weights_NLL.mul_(kept_NLL)
                of_scores_NLL = torch._softmax_backward_data(of_weights_NLL, weights_NLL, -1, torch.float32)
                _multiply(of_k, of_scores_NLL.mT, q_NLd, ctx.scale)
                _multiply(of_q, of_scores_NLL, k_NLd, ctx.scale)
        return *(_by_token(one, order, gradient) for one in found), None, None, None, None


def _product(left: torch.Tensor, right: torch.Tensor, factor: float) -> torch.Tensor:
    """The products of matrices, times a number."""
    into = left.new_empty(left.shape[0], left.shape[1], right.shape[2])
    return into.baddbmm_(left, right, beta=0, alpha=factor)


def _multiply(into_NLd: torch.Tensor, left_NLL: torch.Tensor, right_NLd: torch.Tensor, factor: float) -> None:
    """Products of matrices times a number, `left` being in single precision: in that of the states, which
    rounds once more, where they are large enough to gain by it."""
    if into_NLd.dtype == left_NLL.dtype or into_NLd.shape[1] >= LONG:
        into_NLd.baddbmm_(left_NLL.to(into_NLd.dtype), right_NLd, beta=0, alpha=factor)
    else:
        into_NLd.copy_(_product(left_NLL, right_NLd.float(), factor))


def _by_head(states_THd: torch.Tensor, order: ByHead) -> torch.Tensor:
    """one_Rd of the R = TH states of each token and head, in another order."""
    return states_THd.reshape(-1, states_THd.shape[-1]).index_select(0, order.there_R)


def _by_token(states_Rd: torch.Tensor, order: ByHead, like_THd: torch.Tensor) -> torch.Tensor:
    """The inverse of `_by_head`."""
    return states_Rd.index_select(0, order.back_R).view(like_THd.shape)


def _beyond(length: int, window: int) -> torch.Tensor:
    """hidden_LL: which tokens are `window` or more apart."""
    places = torch.arange(length)
    return (places[:, None] - places).abs() >= window
