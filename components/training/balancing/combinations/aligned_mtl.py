"""Aligned-MTL: the gradients' principal components, all made as long as the shortest."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import ROUNDING


class AlignedMTL(GramianCombination):
    """Algorithm 1 of Senushkin et al. 2023, "Independent component alignment", with the smallest
    singular value as the scale: c = sqrt(lambda_min) V diag(lambda)^(-1/2) V^T 1.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        values_K, vectors_KK = np.linalg.eigh(gramian_KK)
        kept = values_K > values_K[-1] * len(values_K) * ROUNDING
        values, vectors = values_K[kept], vectors_KK[:, kept]
        return np.asarray(np.sqrt(values[0]) * vectors @ (vectors.sum(0) / np.sqrt(values)))


METHOD = AlignedMTL
