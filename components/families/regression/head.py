"""The head of a pair of texts that has a score.

Legend: B rows, L tokens, D hidden width, C outputs.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import normalize

from components.families.shared.heads import SLOPE, Pooling, pool


class PairHead(Pooling):
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
