"""Decoding: the best sequence of tokens that a decoder can be led to, greedily or with a beam.

Whatever comes in, it ends: after so many tokens, or after so many seconds with what there is then.

Legend: n rows, K beams of each, R = n * K, V outputs, T tokens of the longest sequence.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from components.families.base.capabilities import Follow

ABSENT = -1  # in place of a token, behind a sequence that was cut off


class Steps(Protocol):
    """A decoder at work: it remembers what it was given."""

    def advance(self, token_R: torch.Tensor) -> torch.Tensor:
        """The logits_RV of what follows, where these tokens are the next."""

    def select(self, place_R: torch.Tensor) -> None:
        """Go on with these of the sequences, in this order."""


@dataclass(frozen=True)
class Limits:
    """How a task decodes. `length_penalty` is alpha of Wu et al. 2016; `seconds` are for all rows of a
    request together. An evaluation has no clock: what it says depends on no machine."""

    longest: int
    beams: int = 1
    length_penalty: float = 0.0
    seconds: float = math.inf

    def within(self, share: float | None) -> Limits:
        """Those of such a share of a request's rows; of an evaluation's (None)."""
        return replace(self, seconds=math.inf if share is None else share * self.seconds)


def search(
    steps: Steps,
    rows: int,
    start: int,
    end: int,
    limits: Limits,
    device: torch.device,
    follow: Follow | None = None,
) -> torch.Tensor:
    """token_nT of each row's best sequence, without `start`: then ABSENT, which follows `end` where it ended.

    A sequence's score is log P / lp(|Y|) (Wu et al. 2016, equation 14, without coverage), with
    lp(t) = ((5 + t) / 6)^alpha, `end` counted. A row is done when K sequences have ended among the K best of
    a step; so one beam is greedy search. `steps` are to begin with K copies of each row, side by side.

    After each step `follow` is told what is best so far, and says which rows to go on with; its time is not
    that of the search.
    """
    deadline = time.monotonic() + limits.seconds
    beams = _Beams(rows, end, limits, device)
    token_R = torch.full((rows * limits.beams,), start, device=device)
    for place in range(limits.longest):
        place_R = beams.extend(place, steps.advance(token_R).float().log_softmax(-1))
        if follow and len(place_R):
            began = time.monotonic()
            place_R = beams.only(follow(beams.so_far()), place_R)
            deadline += time.monotonic() - began
        if not len(place_R):
            break
        if place + 1 == limits.longest or time.monotonic() >= deadline:
            beams.keep(place, beams.score_nK, beams.token_nKT)
            break
        steps.select(place_R)
        token_R = beams.token_nKT[:, :, place].flatten()
    return beams.found_nT


class _Beams:
    """The hypotheses of the n rows that go on, and of every row the best that has ended.

    Of each row C = 2 K candidates are looked at in a step: K may end, and K are left to go on.
    """

    def __init__(self, rows: int, end: int, limits: Limits, device: torch.device) -> None:
        self.end, self.limits = end, limits
        self.found_nT = torch.full((rows, limits.longest), ABSENT, device=device)
        self.best_n = torch.full((rows,), -torch.inf, device=device)
        self.row_n = torch.arange(rows, device=device)
        self.ended_n = torch.zeros_like(self.row_n)
        self.token_nKT = torch.full((rows, limits.beams, limits.longest), ABSENT, device=device)
        self.score_nK = torch.full((rows, limits.beams), -torch.inf, device=device)
        self.score_nK[:, 0] = 0  # the copies of a row are alike: one of them counts

    def extend(self, place: int, log_p_RV: torch.Tensor) -> torch.Tensor:
        """Take one more token; return place_R, the sequences that go on, of those that `log_p_RV` is for."""
        beams = self.limits.beams
        top_nC, parent_nC, token_nC = self._candidates(log_p_RV)
        token_nCT = self.token_nKT.gather(1, self._wide(parent_nC))
        token_nCT[:, :, place] = token_nC
        ends_nC = (token_nC == self.end) & top_nC.isfinite()
        ended_nK = ends_nC[:, :beams]
        self.keep(place, top_nC[:, :beams].masked_fill(~ended_nK, -torch.inf), token_nCT[:, :beams])
        self.ended_n = self.ended_n + ended_nK.sum(1)
        live_nK = ends_nC.to(torch.int8).argsort(dim=1, stable=True)[:, :beams]  # the best without an end
        self.score_nK = top_nC.masked_fill(ends_nC, -torch.inf).gather(1, live_nK)
        self.token_nKT = token_nCT.gather(1, self._wide(live_nK))
        first_n1 = torch.arange(0, len(log_p_RV), beams, device=log_p_RV.device).unsqueeze(-1)
        return self._going(first_n1 + parent_nC.gather(1, live_nK))

    def keep(self, place: int, score_nK: torch.Tensor, token_nKT: torch.Tensor) -> None:
        """Take a row's best of these sequences, which end here, where it is better than what the row has."""
        penalty = ((5 + place + 1) / 6) ** self.limits.length_penalty
        top_n, which_n = (score_nK / penalty).max(1)
        better_n = top_n > self.best_n[self.row_n]
        self.best_n[self.row_n[better_n]] = top_n[better_n]
        self.found_nT[self.row_n[better_n]] = token_nKT[better_n, which_n[better_n]]

    def so_far(self) -> torch.Tensor:
        """token_nT: what is best of each row that goes on, or else what was found."""
        token_nT = self.found_nT.clone()
        token_nT[self.row_n] = self.token_nKT[:, 0]
        return token_nT

    def only(self, wanted: Sequence[bool], place_R: torch.Tensor) -> torch.Tensor:
        """Let go of the rows that nobody wants; place_R of the others' sequences."""
        wanted_n = torch.tensor(wanted, device=self.row_n.device)[self.row_n]
        return self._only(wanted_n, place_R.view(-1, self.limits.beams))

    def _candidates(self, log_p_RV: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The best continuations: their score_nC, parent_nC and token_nC."""
        outputs = log_p_RV.shape[-1]
        total_nKV = self.score_nK.unsqueeze(-1) + log_p_RV.view(*self.score_nK.shape, outputs)
        flat_nX = total_nKV.flatten(1)
        top_nC, flat_nC = flat_nX.topk(min(2 * self.limits.beams, flat_nX.shape[1]))
        return top_nC, flat_nC // outputs, flat_nC % outputs

    def _going(self, place_nK: torch.Tensor) -> torch.Tensor:
        """Let go of the rows that are done; place_R of the others' sequences."""
        return self._only((self.ended_n < self.limits.beams) & self.score_nK.isfinite().any(1), place_nK)

    def _only(self, going: torch.Tensor, place_nK: torch.Tensor) -> torch.Tensor:
        self.row_n, self.ended_n = self.row_n[going], self.ended_n[going]
        self.score_nK, self.token_nKT = self.score_nK[going], self.token_nKT[going]
        return place_nK[going].flatten()

    def _wide(self, index_nC: torch.Tensor) -> torch.Tensor:
        return index_nC.unsqueeze(-1).expand(-1, -1, self.limits.longest)
