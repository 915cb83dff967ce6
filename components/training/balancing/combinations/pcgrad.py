"""PCGrad: each gradient is projected off those that it conflicts with."""

from __future__ import annotations

import numpy as np

from components.keyed import derive_seed
from components.training.balancing.base import GramianCombination


class PCGrad(GramianCombination):
    """Algorithm 1 of Yu et al. 2020, "Gradient surgery for multi-task learning": sum_i g_i^PC.

    g_i^PC starts as g_i and loses its component along g_j wherever the two conflict, for the other
    tasks j in a random order, which is a function of (seed, step): the same on every rank.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        random = np.random.default_rng(derive_seed(seed, "pcgrad", step))
        projected_KK = np.eye(len(gramian_KK))  # row i: g_i^PC as a combination of the gradients
        for i, row in enumerate(projected_KK):
            for j in random.permutation(len(row)):
                product = row @ gramian_KK[j]
                if j != i and product < 0:
                    row[j] -= product / gramian_KK[j, j]
        return np.asarray(projected_KK.sum(0))


METHOD = PCGrad
