"""IMTL-G: the combination whose projection on every task's gradient is the same."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import Combination


class IMTLG(Combination):
    """Liu et al. 2021, "Towards impartial multi-task learning", for any number of gradients as in
    Quinton & Rey 2024: G a = K (norms), scaled to sum a = 1, times K for the sum.

    Where gradients depend on each other, the shortest a is taken; where it sums to nothing, no step.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        scaled_KK = gramian_KK / np.trace(gramian_KK)
        weights_K = np.linalg.pinv(scaled_KK, rcond=1e-12, hermitian=True) @ np.sqrt(np.diag(scaled_KK))
        total = weights_K.sum()
        return np.asarray(len(weights_K) * weights_K / total) if abs(total) > 1e-12 else 0 * weights_K


METHOD = IMTLG
