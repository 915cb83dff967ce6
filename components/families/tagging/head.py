"""The head of tagging.

Legend: B rows, L tokens, D hidden width, C outputs.
"""

from __future__ import annotations

import torch
from torch import nn

from components.families.shared.heads import PerToken


class TokenHead(PerToken):
    """One linear layer on every token's state: hidden_BLD -> logits_BLC."""

    def __init__(self, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        logits: torch.Tensor = self.output(hidden)
        return logits
