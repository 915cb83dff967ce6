"""Decoding: the best sequence of tokens that a decoder can be led to, greedily or with a beam.

Whatever comes in, it ends: after so many tokens, or after so many seconds with what there is then.

Legend: n rows, K beams of each, R = n * K, V outputs, T tokens of the longest sequence.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

import torch

ABSENT = -1  # in place of a token, behind a sequence that was cut off


class Steps(Protocol):
    """A decoder at work: it remembers what it was given."""

    def advance(self, token_R: torch.Tensor) -> torch.Tensor:
        """The logits_RV of what follows, where these tokens are the next."""

    def select(self, place_R: torch.Tensor) -> None:
        """Go on with these of the sequences, in this order."""


@dataclass(frozen=True)
class Limits:
    """How a task decodes. `length_penalty` is alpha of Wu et al. 2016; `seconds` are for a row, those of a
    batch together."""

    longest: int
    beams: int = 1
    length_penalty: float = 0.0
    seconds: float = math.inf


def search(
    steps: Steps, rows: int, start: int, end: int, limits: Limits, device: torch.device
) -> torch.Tensor:
    """token_nT of each row's best sequence, without `start`: then ABSENT, which follows `end` where it ended.

    A sequence's score is log P / lp(|Y|) (Wu et al. 2016, equation 14, without coverage), with
    lp(t) = ((5 + t) / 6)^alpha, `end` counted. A row is done when K sequences have ended among the K best of
    a step; so one beam is greedy search. `steps` are to begin with K copies of each row, side by side.
    """
    beams, deadline = limits.beams, time.monotonic() + limits.seconds * rows
    found_nT = torch.full((rows, limits.longest), ABSENT, device=device)
    best_n = torch.full((rows,), -torch.inf, device=device)
    row_n = torch.arange(rows, device=device)  # those that go on; n falls as rows are done
    ended_n = torch.zeros(rows, dtype=torch.int64, device=device)
    score_nK = torch.full((rows, beams), -torch.inf, device=device)
    score_nK[:, 0] = 0  # the copies are alike: one of them counts
    token_nKT = torch.full((rows, beams, limits.longest), ABSENT, device=device)
    token_R = torch.full((rows * beams,), start, device=device)
    for place in range(limits.longest):
        logits_RV = steps.advance(token_R).float()
        total_nKV = score_nK.unsqueeze(-1) + logits_RV.log_softmax(-1).view(len(row_n), beams, -1)
        top_nC, flat_nC = total_nKV.flatten(1).topk(min(2 * beams, total_nKV[0].numel()))
        parent_nC, next_nC = flat_nC // total_nKV.shape[-1], flat_nC % total_nKV.shape[-1]
        token_nCT = token_nKT.gather(1, parent_nC.unsqueeze(-1).expand(-1, -1, limits.longest))
        token_nCT[:, :, place] = next_nC

        ends_nC = (next_nC == end) & top_nC.isfinite()
        ended_nK = ends_nC[:, :beams]
        closed_nK = top_nC[:, :beams].masked_fill(~ended_nK, -torch.inf) / _penalty(place + 1, limits)
        _keep(best_n, found_nT, row_n, closed_nK, token_nCT[:, :beams])
        ended_n = ended_n + ended_nK.sum(1)

        live_nK = ends_nC.to(torch.int8).argsort(dim=1, stable=True)[
            :, :beams
        ]  # the best that have not ended
        score_nK = top_nC.masked_fill(ends_nC, -torch.inf).gather(1, live_nK)
        going = (ended_n < beams) & score_nK.isfinite().any(1)
        place_nK = torch.arange(len(row_n), device=device).unsqueeze(-1) * beams + parent_nC.gather(
            1, live_nK
        )
        token_nKT = token_nCT.gather(1, live_nK.unsqueeze(-1).expand(-1, -1, limits.longest))[going]
        score_nK, row_n, ended_n = score_nK[going], row_n[going], ended_n[going]
        if not len(row_n):
            break
        if place + 1 == limits.longest or time.monotonic() >= deadline:
            _keep(best_n, found_nT, row_n, score_nK / _penalty(place + 1, limits), token_nKT)
            break
        steps.select(place_nK[going].flatten())
        token_R = token_nKT[:, :, place].flatten()
    return found_nT


def _penalty(length: int, limits: Limits) -> float:
    return float(((5 + length) / 6) ** limits.length_penalty)


def _keep(
    best_n: torch.Tensor,
    found_nT: torch.Tensor,
    row_n: torch.Tensor,
    score_nK: torch.Tensor,
    token_nKT: torch.Tensor,
) -> None:
    """Take a row's best of these sequences, where it is better than what the row has."""
    top_n, which_n = score_nK.max(1)
    better_n = top_n > best_n[row_n]
    best_n[row_n[better_n]] = top_n[better_n]
    found_nT[row_n[better_n]] = token_nKT[better_n, which_n[better_n]]
