"""torch's side of `ByRule`: an optimiser that moves each parameter by a rule."""

from __future__ import annotations

from collections.abc import Callable

import torch

from components.training.optimisers.base import Group, Groups

Rule = Callable[[torch.Tensor, torch.Tensor, dict[str, torch.Tensor], Group], None]


class ParameterWise(torch.optim.Optimizer):
    """`rule(parameter, gradient, state, group)` moves a parameter in place and remembers in `state`."""

    def __init__(self, groups: Groups, rule: Rule) -> None:
        super().__init__(groups, {})
        self.rule = rule

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.rule(parameter, parameter.grad, self.state[parameter], group)


def ratio(above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """above / below, and 1 where either is zero: a tensor that is all zeros must be able to leave it."""
    usable = (above > 0) & (below > 0)
    return torch.where(usable, above / below, torch.ones_like(above))
