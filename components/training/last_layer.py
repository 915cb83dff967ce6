"""Every task's gradient on the last shared layer alone, for methods that look no deeper (GradNorm).

Backward stops at that layer, so K of these cost little.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn.utils import get_total_norm

from components.model.blocks import blocks
from components.model.multitask import MultiTaskModel


class LastLayer:
    """Collects the gradients over the micro-batches of a step."""

    def __init__(self, model: MultiTaskModel) -> None:
        self.parameters = _last_layer(model)
        self._found: dict[str, list[torch.Tensor | None]] = {}

    def add(self, means: Mapping[str, torch.Tensor]) -> None:
        """Add a micro-batch's; its graph is kept."""
        for task, mean in means.items():
            found = torch.autograd.grad(mean, self.parameters, retain_graph=True, allow_unused=True)
            before = self._found.get(task, [None] * len(found))
            self._found[task] = [_sum(one, other) for one, other in zip(before, found, strict=True)]

    def norms(self) -> dict[str, float]:
        """The norm of each task's gradient."""
        own = {task: [one for one in found if one is not None] for task, found in self._found.items()}
        return {task: float(get_total_norm(found)) for task, found in own.items()}


def _sum(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


def _last_layer(model: MultiTaskModel) -> list[torch.nn.Parameter]:
    """The parameters of the encoder's last block; of an encoder without blocks, its last parameter."""
    stack = blocks(model.encoder)
    return list(stack[-1].parameters()) if stack else list(model.encoder.parameters())[-1:]
