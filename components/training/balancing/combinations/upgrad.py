"""UPGrad: the sum of the gradients' projections onto the cone in which no loss rises."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import root


class UPGrad(GramianCombination):
    """Quinton & Rey 2024, "Jacobian descent for multi-objective optimization", proposition 1.

    The projection of g_i onto {x: <x, g_j> >= 0 for all j} is the shortest g_i + sum_j z_j g_j with
    z_j >= 0, a non-negative least-squares problem.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        from scipy.optimize import nnls

        root_KK = root(gramian_KK / np.trace(gramian_KK))
        factor_K: np.ndarray = 1 + sum(nnls(root_KK, -gradient_K)[0] for gradient_K in root_KK.T)
        return factor_K


METHOD = UPGrad
