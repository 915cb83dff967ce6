"""IMTL-G: the combination whose projection on every task's gradient is the same."""

from __future__ import annotations

import numpy as np

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import ROUNDING, lengths, root


class IMTLG(GramianCombination):
    """Liu et al. 2021, "Towards impartial multi-task learning": G a = norms, scaled to sum a = 1, here K.

    Where gradients depend on each other, the shortest a that solves it is taken (Quinton & Rey 2024);
    where none does, as with opposed gradients, no direction serves all alike, and there is no step. The
    combination is sought among directions, so that lengths may differ by any factor.
    """

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        scaled_KK = gramian_KK / np.trace(gramian_KK)
        gradients_RK = root(scaled_KK, ROUNDING)
        directions_KR = (gradients_RK / lengths(scaled_KK)).T
        equal_K = np.ones(len(scaled_KK))
        common_R = np.linalg.lstsq(directions_KR, equal_K)[0]
        solved = np.linalg.norm(directions_KR @ common_R - equal_K) < 1e-3 * np.linalg.norm(equal_K)
        weights_K = np.linalg.lstsq(gradients_RK, common_R)[0]
        total = weights_K.sum() if solved else 0.0
        return np.asarray(len(weights_K) * weights_K / total if total else np.zeros_like(weights_K))


METHOD = IMTLG
