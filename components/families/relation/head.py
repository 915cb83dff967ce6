"""The head of relation extraction.

Legend: B rows, L tokens, D hidden width, F places, C outputs.
"""

from __future__ import annotations

import torch
from torch import nn


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
