"""SGD with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.training.optimisers.base import Decay, Groups, Optimiser

if TYPE_CHECKING:
    import torch


class SGD(Optimiser):
    """v = momentum v + g + decay x; x = x - rate v (torch's form of Polyak 1964; `nesterov`: Sutskever 2013).

    Weight decay is the classical L2 penalty: it goes through the momentum, unlike AdamW's.
    """

    momentum: Decay = 0.9  # decay of the sum of gradients
    nesterov: bool = False  # look ahead along the momentum

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        import torch

        return torch.optim.SGD(groups, momentum=self.momentum, nesterov=self.nesterov and self.momentum > 0)


METHOD = SGD
