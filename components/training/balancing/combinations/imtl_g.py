"""IMTL-G: the combination whose projection on every task's gradient is the same."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import ROUNDING


class IMTLG(GramianCombination):
    """Liu et al. 2021, "Towards impartial multi-task learning": G a = norms, scaled to sum a = 1, here K.

    Where gradients depend on each other, the shortest a that solves it is taken (Quinton & Rey 2024);
    where none does, as with opposed gradients, no direction serves all alike, and there is no step.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        scaled_KK = gramian_KK / np.trace(gramian_KK)
        norms_K = np.sqrt(np.diag(scaled_KK))
        weights_K = np.linalg.pinv(scaled_KK, rcond=len(scaled_KK) * ROUNDING, hermitian=True) @ norms_K
        solved = np.linalg.norm(scaled_KK @ weights_K - norms_K) < 1e-3 * np.linalg.norm(norms_K)
        total = weights_K.sum() if solved else 0.0
        return np.asarray(len(weights_K) * weights_K / total if total else np.zeros_like(weights_K))


METHOD = IMTLG
