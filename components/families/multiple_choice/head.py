"""The head of multiple choice.

Legend: B rows, M choices of a row, L tokens, D hidden width.
"""

from __future__ import annotations

import torch
from torch import nn

from components.families.shared.heads import Pooling, pool


class ChoiceHead(Pooling):
    """One score per sequence of a row: hidden_BMLD, mask_BML -> logits_BM, -inf where a row has fewer."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.score = nn.Linear(hidden_size, 1, bias=False)  # what all choices share decides nothing

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.score(pool(hidden, mask)).squeeze(-1)
        return logits.masked_fill(mask.sum(-1) == 0, -torch.inf)
