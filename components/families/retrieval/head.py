"""The head of retrieval: a bi-encoder.

Legend: n rows, M sequences of a row, L tokens, D hidden width, C candidates of a micro-batch, N of an index.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import normalize

from components.families.shared.heads import IndexedHead, Pooling, pool

COSINES, MOST = 20.0, 100.0  # times a cosine: at first, and at most (Radford 2021, section 2.5)


class BiEncoderHead(IndexedHead, Pooling):
    """Cosines of a row's question, its first sequence, and candidates, all encoded apart.

    While it learns: hidden_nMLD, mask_nML -> logits_nC of the C = n (M - 1) candidates that stand beside the
    n questions, row by row, over a learnt temperature (Radford 2021, section 2.3). With an index:
    cosine_nN.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(math.log(COSINES)))

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        question_nD, *beside = self._vectors(hidden, mask).unbind(1)
        if self.candidates_ND is not None:
            return question_nD @ self.candidates_ND.T
        candidate_CD = torch.stack(beside, 1).flatten(0, 1)
        logits: torch.Tensor = self.scale.exp().clamp(max=MOST) * (question_nD @ candidate_CD.T)
        return logits

    def index(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self._vectors(hidden, mask)[:, 0]

    @staticmethod
    def _vectors(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """vectors_nMD of length 1."""
        return normalize(pool(hidden, mask), dim=-1)
