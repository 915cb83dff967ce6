"""Every task's own gradient: on the shared parameters (the encoder's), and on its head.

One backward pass for each task of a micro-batch; exact whichever rows the tasks share. Gradients are
summed over a step's micro-batches before anything is made of them.

Legend: i a task, g_i its gradient on the shared parameters, K tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from components.model.multitask import MultiTaskModel
from components.training.balancing import Balance
from components.training.balancing.gramian import gramian

Gradient = list[torch.Tensor | None]  # parameter by parameter


class TaskGradients:
    """Collects g_i and each head's gradient over the micro-batches of a step."""

    def __init__(self, model: MultiTaskModel) -> None:
        self.model = model
        self.shared = [p for p in model.encoder.parameters() if p.requires_grad]
        self.last_layer = _last_layer(model)
        self._shared: dict[str, Gradient] = {}
        self._heads: dict[str, Gradient] = {}
        self._last: dict[str, Gradient] = {}

    def add(self, means: Mapping[str, torch.Tensor]) -> None:
        """One backward pass for each loss."""
        for place, (task, mean) in enumerate(means.items()):
            own = self._own(task)
            found = torch.autograd.grad(
                mean, [*self.shared, *own], retain_graph=place + 1 < len(means), allow_unused=True
            )
            _accumulate(self._shared, task, found[: len(self.shared)])
            _accumulate(self._heads, task, found[len(self.shared) :])

    def add_last_layer(self, means: Mapping[str, torch.Tensor]) -> None:
        """Gradients on the last shared layer alone: backward stops there. The graph is kept."""
        for task, mean in means.items():
            found = torch.autograd.grad(mean, self.last_layer, retain_graph=True, allow_unused=True)
            _accumulate(self._last, task, found)

    def gramian(self, order: Sequence[str]) -> np.ndarray:
        """gramian_KK of the g_i."""
        return gramian([self._shared[task] for task in order])

    def norms(self) -> dict[str, float]:
        """The norm of each g_i on the last shared layer."""
        return {task: float(gramian([found])[0, 0]) ** 0.5 for task, found in self._last.items()}

    def of(self, task: str) -> Gradient:
        """g_i."""
        return self._shared[task]

    def products(self, other: Gradient) -> dict[str, float]:
        """<other, g_i> of every task."""
        return {task: float(gramian([other, found])[0, 1]) for task, found in self._shared.items()}

    def apply(self, balance: Balance) -> None:
        """Fill the parameters' gradients: sum_i shared_i g_i on the encoder, w_i times its own on a head."""
        for place, parameter in enumerate(self.shared):
            parts = [(balance.shared[task], found[place]) for task, found in self._shared.items()]
            present = [weight * gradient for weight, gradient in parts if gradient is not None]
            parameter.grad = torch.stack(present).sum(0) if present else None
        for task, found in self._heads.items():
            for parameter, gradient in zip(self._own(task), found, strict=True):
                parameter.grad = None if gradient is None else balance.heads[task] * gradient

    def _own(self, task: str) -> list[torch.nn.Parameter]:
        return list(self.model.heads[task].parameters()) if task in self.model.heads else []


def _accumulate(into: dict[str, Gradient], task: str, found: Sequence[torch.Tensor | None]) -> None:
    before = into.get(task, [None] * len(found))
    into[task] = [
        one if other is None else other if one is None else one + other
        for one, other in zip(before, found, strict=True)
    ]


def _last_layer(model: MultiTaskModel) -> list[torch.nn.Parameter]:
    """The parameters of the encoder's last block; of an encoder without blocks, its last parameter."""
    blocks = [
        module
        for module in model.encoder.modules()
        if isinstance(module, torch.nn.ModuleList) and len(module) > 0
    ]
    if not blocks:
        return [list(model.encoder.parameters())[-1]]
    return list(max(blocks, key=len)[-1].parameters())
