"""The head of shelves.

Legend: n rows, M sequences of a row (1 or 2), L tokens, D hidden width, N shelves.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from components.families.shared.heads import IndexedHead, pool

SHARPNESS = 10.0  # of cosines


class ShelfHead(IndexedHead):
    """Cosines of a title and shelves. While it learns: hidden_n2LD, mask_n2L (a title, then its shelf) ->
    logits_nn against the shelves of all rows; with an index: hidden_n1LD, mask_n1L -> logits_nN."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, hidden_size)

    def index(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self._vectors(hidden, mask)[:, 0]

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        vectors_nMD = self._vectors(hidden, mask)
        shelves = vectors_nMD[:, 1] if self.candidates_ND is None else self.candidates_ND
        return SHARPNESS * vectors_nMD[:, 0] @ shelves.T

    def _vectors(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return normalize(self.output(pool(hidden, mask)), dim=-1)
