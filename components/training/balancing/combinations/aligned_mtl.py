"""Aligned-MTL: the gradients' principal components, all made as long as the shortest."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import ROUNDING, root


class AlignedMTL(GramianCombination):
    """Algorithm 1 of Senushkin et al. 2023, "Independent component alignment", with the smallest
    singular value as the scale: c = sqrt(lambda_min) V diag(lambda)^(-1/2) V^T 1.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        _, singular_R, vectors_RK = np.linalg.svd(root(gramian_KK, ROUNDING), full_matrices=False)
        return np.asarray(singular_R[-1] * (vectors_RK.sum(1) / singular_R) @ vectors_RK)


METHOD = AlignedMTL
