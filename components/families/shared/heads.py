"""Heads that several families use: small modules that turn the encoder's states into a task's logits.

Legend: B or n rows, L tokens, D hidden width, C outputs, N candidates.
"""

from __future__ import annotations

import abc
from pathlib import Path

import torch
from torch import nn

SLOPE = 5.0  # of a cosine that a head scales: cosines span far less than logits; the parameter is of order 1


class Pretrained(nn.Module, abc.ABC):
    """A head that begins as a part of the folder that the encoder is read from."""

    @abc.abstractmethod
    def begin(self, folder: Path) -> None:
        """Take its weights from the folder."""


class Pooling(nn.Module):
    """A head that sees of each sequence `pool` of it and nothing else: it may be given that as the state of a
    single token, hidden_...1D, and no mask where none is missing."""


class PerToken(nn.Module):
    """A head that sees of each token its state and nothing else: it may be given the tokens of many rows side
    by side, hidden_TD, and no mask -> logits_TC."""


class PooledHead(Pooling):
    """Mean of the real tokens' states, then one linear layer: hidden_BLD, mask_BL -> logits_BC."""

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.output(pool(hidden, mask))
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


def pool(hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """The mean of the real tokens' states: [..., L, D], [..., L] -> [..., D]; without a mask L is 1."""
    if mask is None:
        return hidden.squeeze(-2)
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(-2) / weights.sum(-2).clamp(min=1)
