"""Nash-MTL: the direction on which the tasks, bargaining, agree."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import length

RIDGE = 1e-10  # at a Pareto-stationary point alone G a = 1/a has no solution: there the step vanishes


class NashMTL(GramianCombination):
    """Navon et al. 2022, "Multi-task learning as a bargaining game": G a = 1/a, a > 0 (claim 3.2).

    The direction does not change when a loss is multiplied by a number. As in the authors' code, a
    solves it for G / |G|_F, and is cut so that |sum_i a_i g_i| is at most `max_norm`.
    """

    # the largest norm of the combined gradient, after the Gramian is scaled to 1
    max_norm: Annotated[float, Field(gt=0)] = 1.0

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        norms_K = np.sqrt(np.diag(gramian_KK))
        cosine_KK = gramian_KK / np.outer(norms_K, norms_K)
        a_K = bargain(cosine_KK + RIDGE * np.eye(len(norms_K))) / norms_K
        a_K *= float(np.linalg.norm(gramian_KK)) ** 0.5
        return np.asarray(a_K * min(1.0, self.max_norm / max(length(gramian_KK, a_K), 1e-300)))


def bargain(matrix_KK: np.ndarray) -> np.ndarray:
    """The a_K > 0 with matrix a = 1/a: the minimum of a^T matrix a / 2 - sum log a, which is convex
    and self-concordant, by damped Newton steps (Boyd & Vandenberghe 2004, section 9.6)."""
    a_K = np.ones(len(matrix_KK))
    for _ in range(500):
        slope_K = matrix_KK @ a_K - 1 / a_K
        step_K = np.linalg.solve(matrix_KK + np.diag(a_K**-2), slope_K)
        decrement = max(float(slope_K @ step_K), 0.0) ** 0.5
        a_K = a_K - step_K / (1 + decrement if decrement > 0.25 else 1)
        if decrement < 1e-10:
            break
    return a_K


METHOD = NashMTL
