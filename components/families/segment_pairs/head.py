"""The head of two segments of a text.

Legend: B rows, L tokens, D hidden width, C outputs.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from components.families.shared.heads import SLOPE, pool


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
