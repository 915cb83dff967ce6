"""Attention within each sequence of a pack: by a kernel that takes sequences of any lengths in one call, or
by a call for each length.

Legend: T tokens of all sequences, H heads of attention, d width of one, n sequences of one length L.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence

import torch
from torch.nn.functional import scaled_dot_product_attention

from components import device as devices
from components.data.batches.pack import Pack
from components.model import cpu_attention

LOG = logging.getLogger(__name__)
HALF = (torch.float16, torch.bfloat16)
KEPT = 1024  # tokens of a sequence whose weights are kept while a model learns on a CPU
TRIED = (3, 17, 3)  # lengths of the sequences that a kernel is tried on
LEAST = 2.0**-6  # of an output in half precision, by the largest: roundings are a quarter of it


def kernel_for(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> bool:
    """Is there a kernel for such q_THd, k_TGd, v_TGd? Then the number of sequences costs no calls."""
    if not devices.counts_launches(query.device) or query.dtype not in HALF:
        return False
    return trusted(query.device, query.dtype, query.shape[1], key.shape[1], query.shape[2])


@functools.cache
def trusted(device: torch.device, dtype: torch.dtype, heads: int, groups: int, width: int) -> bool:
    """Whether the kernel is there for such an encoder, takes dropout and agrees with `by_length`: asked once,
    since cards and builds of torch differ. No draw of training is another for it."""
    pack = Pack.of(TRIED).to(device)
    devices = [device] if device.type == "cuda" else []
    with torch.no_grad(), torch.random.fork_rng(devices):
        torch.manual_seed(0)
        sizes = ((sum(TRIED), number, width) for number in (heads, groups, groups))
        states = [torch.randn(*size).to(device, dtype) for size in sizes]
        try:
            by_kernel(states, pack, 0.1, None, None)
            found, expected = (way(states, pack, 0.0, None, None) for way in (by_kernel, by_length))
            same = bool((found - expected).abs().max() <= LEAST * expected.abs().max())
        except (RuntimeError, NotImplementedError) as error:
            LOG.warning("%s: no attention for sequences of any lengths (%.200s); slower", device, error)
            return False
    if not same:
        LOG.warning("%s: its attention for sequences of any lengths is wrong and not used; slower", device)
    return same


def by_kernel(
    states: Sequence[torch.Tensor], pack: Pack, dropout: float, scaling: float | None, window: int | None
) -> torch.Tensor:
    """One call of FlashAttention for variable lengths: q_THd, k_THd, v_THd -> attended_THd.

    torch's public function of it, `varlen_attn`, knows no dropout; this is what it calls.
    """
    query, key, value = states
    longest, reach = max(pack.lengths), -1 if window is None else window - 1
    attended: torch.Tensor = torch.ops.aten._flash_attention_forward(
        query, key, value, pack.edges, pack.edges, longest, longest, dropout, False, False,
        scale=scaling, window_size_left=reach, window_size_right=reach,
    )[0]  # fmt: skip
    return attended


def by_length(
    states: Sequence[torch.Tensor], pack: Pack, dropout: float, scaling: float | None, window: int | None
) -> torch.Tensor:
    """A call for each length, or for each run of equal ones: q_THd, k_THd, v_THd -> attended_THd.

    On a CPU a model learns by an attention of ours, and answers by torch's own, which knows no dropout there
    but keeps no weights: so it also learns by it, in single precision, where a sequence is longer than KEPT.
    """
    query, key, value = states
    if query.device.type != "cpu" or torch.is_inference_mode_enabled():
        return _by_torch(states, pack, dropout, scaling, window)
    if dropout or max(pack.lengths) <= KEPT:
        return cpu_attention.attend(query, key, value, pack, dropout, scaling, window)
    with devices.full_precision(query.device):
        own = [one.float() for one in states]
        return _by_torch(own, pack, dropout, scaling, window).to(query.dtype)


def _by_torch(
    states: Sequence[torch.Tensor], pack: Pack, dropout: float, scaling: float | None, window: int | None
) -> torch.Tensor:
    """A call for each run of equal lengths: q_THd, k_THd, v_THd -> attended_THd."""
    grouped = states[0].shape[1] != states[1].shape[1]
    sizes = [number * length for number, length in pack.runs]
    attended = []
    # Split and cat rather than slices: the gradient of every slice is as large as the pack.
    for (number, length), *parts in zip(pack.runs, *(one.split(sizes) for one in states), strict=True):
        query, key, value = (part.reshape(number, length, *part.shape[1:]).transpose(1, 2) for part in parts)
        mask = None if window is None or length <= window else _band(length, window, query.device)
        out_nHLd = scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=dropout, scale=scaling, enable_gqa=grouped
        )
        attended.append(out_nHLd.transpose(1, 2).flatten(0, 1))
    return torch.cat(attended)


def _band(length: int, window: int, device: torch.device) -> torch.Tensor:
    """visible_LL: which tokens are less than `window` apart."""
    places = torch.arange(length, device=device)
    return (places[:, None] - places).abs() < window
