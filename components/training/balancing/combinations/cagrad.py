"""CAGrad: near the mean gradient, the direction that serves the worst-served task best."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from components.training.balancing.base import GramianCombination
from components.training.balancing.hull import length, lengths, shortest

STATIONARY = 1e-5  # of what gradients would have together, were they all of one direction: else rounding


class CAGrad(GramianCombination):
    """Algorithm 1 of Liu et al. 2021, "Conflict-averse gradient descent for multi-task learning".

    d = g_0 + s g_w / |g_w| with g_0 the mean, s = c |g_0|, and w in the simplex minimising
    <g_w, g_0> + s |g_w|. With c = 0 it is the mean; from c = 1 on, no loss rises in a small step.
    """

    c: Annotated[float, Field(ge=0)] = 0.4  # how far from the mean gradient, in units of its norm

    def factors(self, gramian_KK: np.ndarray, seed: int, step: int) -> np.ndarray:
        scaled_KK = gramian_KK * len(gramian_KK) / np.trace(gramian_KK)
        mean_K = np.full(len(scaled_KK), 1 / len(scaled_KK))
        radius = self.c * length(scaled_KK, mean_K)
        if radius <= shortest_seen(scaled_KK, mean_K):
            return np.ones(len(scaled_KK))
        w_K = worst_served(scaled_KK, radius)
        if length(scaled_KK, w_K) <= shortest_seen(scaled_KK, w_K):
            return np.zeros(len(scaled_KK))
        return np.asarray(1 + len(w_K) * radius / length(scaled_KK, w_K) * w_K)


def shortest_seen(gramian_KK: np.ndarray, weights_K: np.ndarray) -> float:
    """The length below which |sum_i w_i g_i| is rounding: gradients that cancel, not gradients that are
    short, as those of a task that has converged."""
    return float(STATIONARY * weights_K @ lengths(gramian_KK))


def worst_served(gramian_KK: np.ndarray, radius: float) -> np.ndarray:
    """w_K in the simplex with the least <g_w, g_0> + radius |g_w|.

    Since radius |g_w| is the least of |g_w|^2 / (2 t) + t radius^2 / 2 over t > 0, w minimises
    |g_w + t g_0|, the shortest vector of a hull, at the t where |g_w| = t radius; |g_w| / t falls
    with t, so t is found between bounds.
    """
    from scipy.optimize import brentq

    product_K = gramian_KK.mean(1)  # <g_i, g_0>

    def at(t: float) -> np.ndarray:
        moved_KK = gramian_KK + t * (product_K[:, None] + product_K) + t**2 * product_K.mean()
        return shortest(moved_KK)

    def excess(log_t: float) -> float:
        return float(np.log(length(gramian_KK, at(np.exp(log_t))) / radius + 1e-300) - log_t)

    w_K = shortest(gramian_KK)
    low = np.log(max(length(gramian_KK, w_K), shortest_seen(gramian_KK, w_K)) / radius) - 1e-6
    high = np.log(np.sqrt(np.diag(gramian_KK).max()) / radius) + 1e-6
    if excess(low) <= 0:  # the gradients' hull holds zero there: a Pareto-stationary point
        return at(float(np.exp(low)))
    return at(float(np.exp(brentq(excess, low, high, xtol=1e-13))))


METHOD = CAGrad
