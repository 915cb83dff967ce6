"""What training asks of a family: the head, its loss, and how much a target counts."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from components.families.base.records import Facts

if TYPE_CHECKING:
    import torch
    from torch import nn


class TrainingPart(abc.ABC):
    """Legend: n rows of a micro-batch, M sequences of a row, L tokens, D hidden width, C outputs."""

    @abc.abstractmethod
    def head(self, hidden_size: int, facts: Facts) -> nn.Module:
        """The module (hidden_nLD, mask_nL) -> logits, [n, C] or [n, L, C]; its capabilities say what it is
        given besides. Of several sequences it gets hidden_nMLD, mask_nML (absent ones masked whole)."""

    def outputs(self, facts: Facts) -> Any:
        """What each of the head's outputs, or weights of its own, stands for (JSON): a training that goes on
        from a release takes over the heads of which it is the same."""
        return [facts.get("labels"), facts.get("tags")]

    @abc.abstractmethod
    def collate(self, targets: Sequence[Any], length: int) -> torch.Tensor:
        """Stack encoded targets for a micro-batch padded to `length` tokens."""

    @abc.abstractmethod
    def loss(self, logits: torch.Tensor, target: torch.Tensor, facts: Facts) -> torch.Tensor:
        """The loss summed over the micro-batch's own units (examples, labelled tokens)."""

    def divergence(
        self, logits: torch.Tensor, others: torch.Tensor, target: torch.Tensor, facts: Facts
    ) -> torch.Tensor:
        """How far two outputs for the same rows are apart, summed over the units that `loss` sums over:
        KL(P || Q) + KL(Q || P), here of softmaxes over C."""
        from components.families.shared.divergence import categorical

        return categorical(logits, others).sum()

    def units(self, target: Any, facts: Facts) -> float:
        """How many units one encoded target holds (or their weight); the sum over a step is the
        denominator of its loss."""
        return 1.0
