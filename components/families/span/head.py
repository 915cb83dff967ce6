"""The head of span extraction.

Legend: B rows, M windows of a row, L tokens, D hidden width.
"""

from __future__ import annotations

import torch
from torch import nn


class SpanHead(nn.Module):
    """How well a span starts and ends at every token of every window (Devlin 2019, section 4.2):
    hidden_BMLD, mask_BML -> logits_BML2; padding neither starts nor ends one."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.output = nn.Linear(hidden_size, 2)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.output(hidden)
        return logits.masked_fill(mask.unsqueeze(-1) == 0, torch.finfo(logits.dtype).min)
