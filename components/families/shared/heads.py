"""Heads: the small modules that turn the encoder's states into a task's logits.

Legend: B rows, M sequences of a row, L tokens, D hidden width, F numbers beside the states (K hashes of
categories, N numbers), C outputs.
"""

from __future__ import annotations

import abc
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import gelu, normalize, softplus


class Pretrained(nn.Module, abc.ABC):
    """A head that begins as a part of the folder that the encoder is read from."""

    @abc.abstractmethod
    def begin(self, folder: Path) -> None:
        """Take its weights from the folder."""


class PooledHead(nn.Module):
    """Mean of the real tokens' states, then one linear layer: hidden_BLD, mask_BL -> logits_BC."""

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.output(pool(hidden, mask))
        return logits


class OrdinalHead(nn.Module):
    """One score against C - 1 rising thresholds: hidden_BLD, mask_BL -> logits of P(level > k), [B, C - 1].

    CORAL (Cao, Mirjalili & Raschka 2020, section 3): the binary tasks share their weights and differ in
    their biases. There the biases fall in the optimum (theorem 1); here they do by construction, so
    that no level's probability is ever negative. They start at the logits of `above`, the shares of
    training rows above each level but the highest.
    """

    def __init__(self, hidden_size: int, above: Sequence[float]) -> None:
        super().__init__()
        biases = [math.log(share / (1 - share)) for share in above]
        gaps = [math.log(math.expm1(one - next_)) for one, next_ in itertools.pairwise(biases)]
        self.score = nn.Linear(hidden_size, 1)
        self.gaps = nn.Parameter(torch.tensor(gaps))  # softplus of these is how far the biases fall
        nn.init.constant_(self.score.bias, biases[0])

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        thresholds = torch.cat([self.gaps.new_zeros(1), softplus(self.gaps).cumsum(0)])
        logits: torch.Tensor = self.score(pool(hidden, mask)) - thresholds
        return logits


class ChoiceHead(nn.Module):
    """One score per sequence of a row: hidden_BMLD, mask_BML -> logits_BM, -inf where a row has fewer."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.score = nn.Linear(hidden_size, 1, bias=False)  # what all choices share decides nothing

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.score(pool(hidden, mask)).squeeze(-1)
        return logits.masked_fill(mask.sum(-1) == 0, -torch.inf)


SLOPE = 5.0  # cosines span far less than standardised scores do; this keeps the parameter of order 1


class PairHead(nn.Module):
    """Two texts, encoded apart, compared: hidden_B2LD, mask_B2L -> logits_BC.

    A multiple of their cosine, plus a linear layer on [|u - v|, u * v] of the pooled unit vectors
    (Conneau 2017, section 3.1). The linear layer starts at zero: what the encoder already knows of
    similarity is where learning starts.
    """

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(2 * hidden_size, outputs)
        self.scale = nn.Parameter(torch.full((outputs,), 0.4))
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        u_BD, v_BD = normalize(pool(hidden, mask), dim=-1).unbind(1)
        cosine_B1 = (u_BD * v_BD).sum(-1, keepdim=True)
        features = torch.cat([(u_BD - v_BD).abs(), u_BD * v_BD], dim=-1)
        logits: torch.Tensor = SLOPE * self.scale * cosine_B1 + self.output(features)
        return logits


class SegmentsHead(nn.Module):
    """Two segments of one sequence, compared: hidden_BLD, mask_BL, second_B1 -> logits_BC.

    `second` is where the second one begins. A multiple of the cosine of their mean states, plus a linear
    layer on [u, v, |u - v|, u * v] of these as unit vectors (Conneau 2017, section 3.1): what tells them
    apart, their order too, is in sight from the first step, and not only what they have in common.
    """

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(4 * hidden_size, outputs)
        self.scale = nn.Parameter(torch.zeros(outputs))
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        later_BL = torch.arange(hidden.shape[1], device=hidden.device) >= second
        u_BD, v_BD = (
            normalize(pool(hidden, mask * segment_BL), dim=-1) for segment_BL in (~later_BL, later_BL)
        )
        features = torch.cat([u_BD, v_BD, (u_BD - v_BD).abs(), u_BD * v_BD], -1)
        cosine_B1 = (u_BD * v_BD).sum(-1, keepdim=True)
        logits: torch.Tensor = self.output(features) + SLOPE * cosine_B1 * self.scale
        return logits


class IndexedHead(nn.Module, abc.ABC):
    """A head that chooses among N candidates, whose vectors are made once: the index.

    While it learns it scores the candidates that the micro-batch holds, as it wants; `model.train()`
    drops the index, since the weights it was made of are about to move. In evaluation it is given an index
    and scores all of it: hidden, mask -> scores_nN.
    """

    candidates_ND: torch.Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("candidates_ND", None, persistent=False)

    @abc.abstractmethod
    def index(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The vectors of some candidates, whose states come as those of rows do -> vectors_nD."""


COSINES, MOST = 20.0, 100.0  # times a cosine: at first, and at most (Radford 2021, section 2.5)


class BiEncoderHead(IndexedHead):
    """Cosines of a row's question, its first sequence, and candidates, all encoded apart.

    While it learns: hidden_nMLD, mask_nML -> logits_nC of the C = n (M - 1) candidates that stand beside the
    n questions, row by row, over a learnt temperature (Radford 2021, section 2.3). With an index:
    cosine_nN.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(math.log(COSINES)))

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        question_nD, *beside = self._vectors(hidden, mask).unbind(1)
        if self.candidates_ND is not None:
            return question_nD @ self.candidates_ND.T
        candidate_CD = torch.stack(beside, 1).flatten(0, 1)
        logits: torch.Tensor = self.scale.exp().clamp(max=MOST) * (question_nD @ candidate_CD.T)
        return logits

    def index(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self._vectors(hidden, mask)[:, 0]

    @staticmethod
    def _vectors(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """vectors_nMD of length 1."""
        return normalize(pool(hidden, mask), dim=-1)


class FocusHead(nn.Module):
    """The states at F places of a sequence, side by side (Baldini Soares 2019, figure 3e), then one linear
    layer: hidden_BLD, focus_BF -> logits_BC."""

    def __init__(self, hidden_size: int, places: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(places * hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, focus: torch.Tensor) -> torch.Tensor:
        index_BFD = focus.unsqueeze(-1).expand(-1, -1, hidden.shape[-1])
        logits: torch.Tensor = self.output(hidden.gather(1, index_BFD).flatten(1))
        return logits


EMBEDDING, HIDDEN = 8, 64  # widths: of a category's embedding, and of the layer over everything
MISSING, OTHER, KNOWN = 0, 1, 2  # numbers of a category's embedding; those of the vocabulary follow


class FeaturesHead(nn.Module):
    """The pooled states beside embedded categories and standardised numbers, then one hidden layer:
    hidden_BLD, mask_BL, side_BF -> logits_BC (the deep part of Cheng 2016, section 3.2, over a text).

    `side` holds a hash for each column of categories, then the numbers; NaN is missing. `categories` are the
    hashes of each column's vocabulary, `numbers` each one's (centre, scale). The embeddings of what
    training may never see, a missing value or another category, start at zero: untaught, they say nothing.
    """

    def __init__(
        self,
        hidden_size: int,
        categories: Sequence[Sequence[int]],
        numbers: Sequence[tuple[float, float]],
        outputs: int,
    ) -> None:
        super().__init__()
        self.numbers = list(numbers)
        self.embeddings = nn.ModuleList()
        for number, known in enumerate(categories):
            sentinel = torch.iinfo(torch.int64).max  # above every hash, so that each has a place
            self.register_buffer(f"vocabulary_{number}", torch.tensor([*sorted(known), sentinel]))
            self.embeddings.append(embedding := nn.Embedding(KNOWN + len(known), EMBEDDING))
            nn.init.zeros_(embedding.weight[:KNOWN])
        self.hidden = nn.Linear(hidden_size + EMBEDDING * len(categories) + 2 * len(numbers), HIDDEN)
        self.output = nn.Linear(HIDDEN, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, side: torch.Tensor) -> torch.Tensor:
        pooled_BD = pool(hidden, mask)
        hashes_BK, numbers_BN = side.split([len(self.embeddings), len(self.numbers)], dim=1)
        embedded = [
            embedding(self._entries(number, hashes_BK[:, number]))
            for number, embedding in enumerate(self.embeddings)
        ]
        everything = torch.cat([pooled_BD, *embedded, self._standardised(numbers_BN).to(pooled_BD.dtype)], -1)
        logits: torch.Tensor = self.output(gelu(self.hidden(everything)))
        return logits

    def _entries(self, number: int, hashes_B: torch.Tensor) -> torch.Tensor:
        """Which entry of its column's embedding each hash has."""
        vocabulary = self.get_buffer(f"vocabulary_{number}")
        wanted_B = hashes_B.nan_to_num(0).long()
        place_B = torch.searchsorted(vocabulary, wanted_B)
        entry_B = torch.where(vocabulary[place_B] == wanted_B, KNOWN + place_B, OTHER)
        return entry_B.masked_fill(hashes_B.isnan(), MISSING)

    def _standardised(self, numbers_BN: torch.Tensor) -> torch.Tensor:
        """asinh of the distance from the centre, 0 where missing; then, is it missing?"""
        centre_N, scale_N = numbers_BN.new_tensor(self.numbers).view(-1, 2).T
        distance_BN = ((numbers_BN - centre_N) / scale_N).asinh().clamp(-20, 20)
        return torch.cat([distance_BN.nan_to_num(0), numbers_BN.isnan().to(distance_BN.dtype)], -1)


class SpanHead(nn.Module):
    """How well a span starts and ends at every token of every window (Devlin 2019, section 4.2):
    hidden_BMLD, mask_BML -> logits_BML2; padding neither starts nor ends one."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, 2)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.output(hidden)
        return logits.masked_fill(mask.unsqueeze(-1) == 0, torch.finfo(logits.dtype).min)


class TokenHead(nn.Module):
    """One linear layer on every token's state: hidden_BLD -> logits_BLC."""

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.output(hidden)
        return logits


def pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean of the real tokens' states: [..., L, D], [..., L] -> [..., D]."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(-2) / weights.sum(-2).clamp(min=1)
