"""Heads: the small modules that turn the encoder's states into a task's logits.

Legend: B rows, L tokens, D hidden width, C outputs.
"""

from __future__ import annotations

import torch
from torch import nn


class PooledHead(nn.Module):
    """Mean of the real tokens' states, then one linear layer: hidden_BLD, mask_BL -> logits_BC."""

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        weights_BL1 = mask.unsqueeze(-1).to(hidden.dtype)
        pooled_BD = (hidden * weights_BL1).sum(1) / weights_BL1.sum(1).clamp(min=1)
        logits: torch.Tensor = self.output(pooled_BD)
        return logits


class TokenHead(nn.Module):
    """One linear layer on every token's state: hidden_BLD -> logits_BLC."""

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.output(hidden)
        return logits
