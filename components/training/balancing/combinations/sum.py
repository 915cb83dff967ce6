"""The plain sum of the weighted gradients: one backward pass, no Gramian."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import Combination, Fact


class Sum(Combination):
    """c_i = 1."""

    def needs(self, step: int) -> frozenset[Fact]:
        return frozenset()

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        return np.ones(len(gramian_KK))


METHOD = Sum
