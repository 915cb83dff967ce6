"""The head of ordinal regression.

Legend: B rows, L tokens, D hidden width, C levels.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import softplus

from components.families.shared.heads import Pooling, pool


class OrdinalHead(Pooling):
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
