"""Room for the gradients of K tasks on an encoder's dense parameters, until they are combined.

Legend: p entries of a parameter, P of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch

from components import device as devices
from components.training import parallel


class Stacks:
    """gradient_K... of a parameter, to be added to; of one that no task has touched there is none."""

    def __init__(self, parameters: Sequence[torch.Tensor], tasks: int) -> None:
        self.parameters, self.tasks = list(parameters), tasks
        self.of: dict[torch.Tensor, torch.Tensor] = {}

    def __getitem__(self, parameter: torch.Tensor) -> torch.Tensor:
        if parameter not in self.of:
            self.of[parameter] = self._room(parameter)
        return self.of[parameter]

    def _room(self, parameter: torch.Tensor) -> torch.Tensor:
        return parameter.new_zeros(self.tasks, *parameter.shape)

    def unfilled(self, parameter: torch.Tensor) -> torch.Tensor | None:
        """Room for a parameter that no task has touched, which the caller is to fill; None of one that some
        task has."""
        if parameter in self.of:
            return None
        self.of[parameter] = parameter.new_empty(self.tasks, *parameter.shape)
        return self.of[parameter]

    def every(self) -> list[torch.Tensor]:
        """Tensors that hold each entry of every task once."""
        return list(self.of.values())

    def combined(self, weights: Sequence[float]) -> dict[torch.Tensor, torch.Tensor]:
        """sum_i weights_i g_i of every parameter."""
        found = {}
        for parameter, stack in self.of.items():
            found[parameter] = (devices.sent(weights, stack) @ stack.flatten(1)).view_as(parameter)
        return found

    def reduce(self) -> None:
        """Sum over the processes."""
        self.of = dict(parallel.summed(self.of, self.parameters, self._room))


class FlatStacks(Stacks):
    """All of them in one tensor: one operation takes every parameter."""

    @cached_property
    def flat_KP(self) -> torch.Tensor:  # noqa: N802 the legend's
        size = sum(parameter.numel() for parameter in self.parameters)
        return self.parameters[0].new_zeros(self.tasks, size)

    @cached_property
    def _rooms(self) -> dict[torch.Tensor, torch.Tensor]:
        parts = self.flat_KP.split([parameter.numel() for parameter in self.parameters], dim=1)
        pairs = zip(self.parameters, parts, strict=True)
        return {parameter: part.unflatten(1, parameter.shape) for parameter, part in pairs}

    def _room(self, parameter: torch.Tensor) -> torch.Tensor:
        return self._rooms[parameter]

    def unfilled(self, parameter: torch.Tensor) -> torch.Tensor | None:
        return None  # all of it was filled at once

    def every(self) -> list[torch.Tensor]:
        return [self.flat_KP] if self.of else []

    def combined(self, weights: Sequence[float]) -> dict[torch.Tensor, torch.Tensor]:
        if not self.of:
            return {}
        parts = (devices.sent(weights, self.flat_KP) @ self.flat_KP).split(
            [parameter.numel() for parameter in self.parameters]
        )
        pairs = zip(self.parameters, parts, strict=True)
        return {parameter: part.view_as(parameter) for parameter, part in pairs if parameter in self.of}

    def reduce(self) -> None:
        touched = parallel.union(self.parameters, self.of)
        if touched:
            parallel.summed({"all": self.flat_KP}, ["all"], lambda _: self.flat_KP)  # in place
        self.of = {parameter: self._room(parameter) for parameter in touched}


def stacks(parameters: Sequence[torch.Tensor], tasks: int) -> Stacks:
    """In one tensor where launches cost and the parameters are of one kind."""
    kinds = {(parameter.dtype, parameter.device) for parameter in parameters}
    flat = len(kinds) == 1 and devices.counts_launches(parameters[0].device)
    return (FlatStacks if flat else Stacks)(parameters, tasks)
