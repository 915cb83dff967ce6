"""AdamW: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.training.optimisers.base import Decay, Groups, Optimiser

if TYPE_CHECKING:
    import torch


class AdamW(Optimiser):
    """Loshchilov & Hutter 2019, algorithm 2; torch's fused kernel."""

    beta1: Decay = 0.9  # decay of the mean of gradients
    beta2: Decay = 0.999  # decay of the mean of their squares
    epsilon: Annotated[float, Field(gt=0)] = 1e-8  # keeps the root of the squares from dividing by 0

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        import torch

        return torch.optim.AdamW(groups, betas=(self.beta1, self.beta2), eps=self.epsilon, fused=True)


METHOD = AdamW
