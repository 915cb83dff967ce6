"""MGDA: the shortest vector in the convex hull of the gradients."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import shortest


class MGDA(GramianCombination):
    """Désidéri 2012; Sener & Koltun 2018. Solved exactly, where Frank-Wolfe steps come near.

    No loss rises in a small step, and the shortest vector is zero at, and only at, a Pareto-stationary point.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        return len(gramian_KK) * shortest(gramian_KK)


METHOD = MGDA
