"""What an optimiser is built on that moves each parameter by itself."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING

from components.training.optimisers.base import Group, Groups, Optimiser

if TYPE_CHECKING:
    import torch


class ByRule(Optimiser):
    """A method that moves each parameter by a rule of its own."""

    def build(self, groups: Groups) -> torch.optim.Optimizer:
        from components.training.optimisers.parameter_wise import ParameterWise

        return ParameterWise(groups, self.move)

    @abc.abstractmethod
    def move(
        self,
        parameter: torch.Tensor,
        gradient: torch.Tensor,
        state: dict[str, torch.Tensor],
        group: Group,
    ) -> None:
        """Move a parameter in place; `state`, its own, is empty at first."""
