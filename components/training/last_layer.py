"""Every task's gradient on the last shared layer alone, for methods that look no deeper (GradNorm).

Backward stops at that layer, so K of these cost little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.nn.utils import get_total_norm

from components.model.blocks import blocks
from components.model.multitask import MultiTaskModel
from components.training import parallel


class LastLayer:
    """Collects the gradients over the micro-batches of a step."""

    def __init__(self, model: MultiTaskModel, heads: Sequence[str]) -> None:
        self.heads, self.parameters = heads, _last_layer(model)
        self._found: dict[tuple[str, torch.Tensor], torch.Tensor] = {}

    def add(self, means: Mapping[str, torch.Tensor]) -> None:
        """Add a micro-batch's; its graph is kept."""
        for head, mean in means.items():
            found = torch.autograd.grad(mean, self.parameters, retain_graph=True, allow_unused=True)
            for parameter, gradient in zip(self.parameters, found, strict=True):
                if gradient is not None:
                    before = self._found.get((head, parameter))
                    self._found[head, parameter] = gradient if before is None else before + gradient

    def norms(self) -> dict[str, float]:
        """The norm of each task's gradient, summed over the processes."""
        places = [(head, parameter) for head in self.heads for parameter in self.parameters]
        sums = parallel.summed(self._found, places, lambda place: torch.zeros_like(place[1]))
        of_heads = {
            head: [sums[head, p] for p in self.parameters if (head, p) in sums] for head in self.heads
        }
        return {head: float(get_total_norm(found)) for head, found in of_heads.items()}


def _last_layer(model: MultiTaskModel) -> list[torch.nn.Parameter]:
    """The parameters of the encoder's last block; of an encoder without blocks, its last parameter."""
    stack = blocks(model.encoder)
    return list(stack[-1].parameters()) if stack else list(model.encoder.parameters())[-1:]
