"""The head of clicks: a text beside categories and numbers.

Legend: B rows, L tokens, D hidden width, F numbers beside the states (K hashes of categories, N numbers),
C outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import gelu

from components.device import sent
from components.families.shared.heads import Pooling, pool

EMBEDDING, HIDDEN = 8, 64  # widths: of a category's embedding, and of the layer over everything
MISSING, OTHER, KNOWN = 0, 1, 2  # numbers of a category's embedding; those of the vocabulary follow


class FeaturesHead(Pooling):
    """The pooled states beside embedded categories and standardised numbers, then one hidden layer:
    hidden_BLD, mask_BL, extra_BF -> logits_BC (the deep part of Cheng 2016, section 3.2, over a text).

    `extra` holds a hash for each column of categories, then the numbers; NaN is missing. `categories` are the
    hashes of each column's vocabulary, `numbers` each one's (centre, scale). The embeddings of what
    training may never see, a missing value or another category, start at zero: untaught, they say nothing.
    """

    def __init__(
        self,
        hidden_size: int,
        categories: Sequence[Sequence[int]],
        numbers: Sequence[tuple[float, float]],
        outputs: int,
    ) -> None:
        super().__init__()
        self.numbers = list(numbers)
        self.embeddings = nn.ModuleList()
        for number, known in enumerate(categories):
            sentinel = torch.iinfo(torch.int64).max  # above every hash, so that each has a place
            self.register_buffer(f"vocabulary_{number}", torch.tensor([*sorted(known), sentinel]))
            self.embeddings.append(embedding := nn.Embedding(KNOWN + len(known), EMBEDDING))
            nn.init.zeros_(embedding.weight[:KNOWN])
        self.hidden = nn.Linear(hidden_size + EMBEDDING * len(categories) + 2 * len(numbers), HIDDEN)
        self.output = nn.Linear(HIDDEN, outputs)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, extra: torch.Tensor) -> torch.Tensor:
        pooled_BD = pool(hidden, mask)
        hashes_BK, numbers_BN = extra.split([len(self.embeddings), len(self.numbers)], dim=1)
        embedded = [
            embedding(self._entries(number, hashes_BK[:, number]))
            for number, embedding in enumerate(self.embeddings)
        ]
        everything = torch.cat([pooled_BD, *embedded, self._standardised(numbers_BN).to(pooled_BD.dtype)], -1)
        logits: torch.Tensor = self.output(gelu(self.hidden(everything)))
        return logits

    def _entries(self, number: int, hashes_B: torch.Tensor) -> torch.Tensor:
        """Which entry of its column's embedding each hash has."""
        vocabulary = self.get_buffer(f"vocabulary_{number}")
        wanted_B = hashes_B.nan_to_num(0).long()
        place_B = torch.searchsorted(vocabulary, wanted_B)
        entry_B = torch.where(vocabulary[place_B] == wanted_B, KNOWN + place_B, OTHER)
        return entry_B.masked_fill(hashes_B.isnan(), MISSING)

    def _standardised(self, numbers_BN: torch.Tensor) -> torch.Tensor:
        """asinh of the distance from the centre, 0 where missing; then, is it missing?"""
        centre_N, scale_N = sent(self.numbers, numbers_BN).view(-1, 2).T
        distance_BN = ((numbers_BN - centre_N) / scale_N).asinh().clamp(-20, 20)
        return torch.cat([distance_BN.nan_to_num(0), numbers_BN.isnan().to(distance_BN.dtype)], -1)
