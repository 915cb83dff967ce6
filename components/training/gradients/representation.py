"""Every task's gradient on the shared representation, the encoder's last hidden states, for combinations
that look no deeper than the heads.

Where tasks are over the same rows, the inner products of these gradients stand in for those of the
parameters' gradients: MGDA's upper bound (Sener & Koltun 2018, section 3.3, equation 4), IMTL-G's shared
feature (Liu 2021, section 3.1). A backward pass through a head is all that each costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch

from components.model.multitask import MultiTaskModel
from components.training import parallel
from components.training.balancing.base import Fact
from components.training.gradients.gramian import inner_products
from components.training.gradients.probe import Probe, Shown


class Representation(Probe):
    """The Gramian of the gradients on the hidden states that the heads read."""

    shows: ClassVar[frozenset[Fact]] = frozenset({"representation_KK"})

    def __init__(self, model: MultiTaskModel, heads: Sequence[str]) -> None:
        super().__init__(model, heads)
        self._states: list[torch.Tensor] = []  # of every pass since the last micro-batch
        self._products: list[tuple[list[int], torch.Tensor]] = []  # of each micro-batch's heads

    def __enter__(self) -> Self:
        self._hook = self.model.encoder.register_forward_hook(self._keep)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()
        self._states.clear()

    def _keep(self, encoder: torch.nn.Module, inputs: Any, output: Any) -> None:
        if output.last_hidden_state.requires_grad:
            self._states.append(output.last_hidden_state)

    def add(self, means: Mapping[str, torch.Tensor]) -> None:
        """Another micro-batch has other states, so products add up."""
        if self._states:
            gradients = torch.stack([self._gradient(mean) for mean in means.values()])
            places = [self.heads.index(head) for head in means]
            self._products.append((places, inner_products([gradients], len(means))))
        self._states.clear()

    def _gradient(self, mean: torch.Tensor) -> torch.Tensor:
        found = torch.autograd.grad(
            mean, self._states, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        return torch.cat([gradient.flatten() for gradient in found])

    def values(self) -> list[torch.Tensor]:
        return [product_kk for _, product_kk in self._products]

    def facts(self, values: Sequence[np.ndarray], scale: float) -> Shown:
        total_KK = np.zeros((len(self.heads), len(self.heads)))
        for (places, _), product_kk in zip(self._products, values, strict=True):
            total_KK[np.ix_(places, places)] += product_kk
        own = {"gramian": torch.from_numpy(total_KK)}
        (gramian_KK,) = parallel.summed(own, list(own), lambda _: torch.zeros(())).values()
        return {"representation_KK": gramian_KK.numpy() / scale**2}
