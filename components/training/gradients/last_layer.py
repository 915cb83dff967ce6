"""Every task's gradient on the last shared layer alone, for methods that look no deeper.

Backward stops at that layer, so K of these cost little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from components.model.blocks import blocks
from components.model.multitask import MultiTaskModel
from components.training import parallel
from components.training.balancing.base import Fact
from components.training.gradients.gramian import inner_products
from components.training.gradients.probe import Probe, Shown


class LastLayer(Probe):
    """The Gramian of the gradients on the last shared layer's parameters, and their norms."""

    shows: ClassVar[frozenset[Fact]] = frozenset({"norms", "last_layer_KK"})

    def __init__(self, model: MultiTaskModel, heads: Sequence[str]) -> None:
        super().__init__(model, heads)
        self.parameters = last_layer(model)
        self._found: dict[str, torch.Tensor] = {}

    def add(self, means: Mapping[str, torch.Tensor]) -> None:
        for task, mean in means.items():
            found = torch.autograd.grad(
                mean, self.parameters, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            flat_P = torch.cat([gradient.flatten() for gradient in found])
            self._found[task] = self._found[task] + flat_P if task in self._found else flat_P

    def values(self) -> list[torch.Tensor]:
        none_P = torch.cat([torch.zeros_like(parameter).flatten() for parameter in self.parameters])
        sums = parallel.summed(self._found, self.heads, lambda head: torch.zeros_like(none_P))
        stack_KP = torch.stack([sums[head] for head in self.heads])
        return [inner_products([stack_KP], len(self.heads))]

    def facts(self, values: Sequence[np.ndarray], scale: float) -> Shown:
        (gramian_KK,) = values
        return of_last_layer(self.heads, gramian_KK / scale**2)


def of_last_layer(heads: Sequence[str], gramian_KK: np.ndarray) -> Shown:
    """The facts of a Gramian of the last layer."""
    norms = np.sqrt(np.diag(gramian_KK)).tolist()
    return {"last_layer_KK": gramian_KK, "norms": dict(zip(heads, norms, strict=True))}


def last_layer(model: MultiTaskModel) -> list[nn.Parameter]:
    """The last layer of weights of the encoder's last block; of an encoder without blocks, the last of all.

    GradNorm's W (Chen 2018, section 3.1); of a whole block, K backward passes would cost a third of a step.
    """
    stack = blocks(model.encoder)
    block = stack[-1] if stack else model.encoder
    layers = [m for m in block.modules() if isinstance(m, nn.Linear) and m.weight.requires_grad]
    own = layers[-1] if layers else model.encoder
    return [parameter for parameter in own.parameters() if parameter.requires_grad]
