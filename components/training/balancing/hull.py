"""Geometry of K gradients that are known by their Gramian alone."""

from __future__ import annotations

import numpy as np

ROUNDING = float(np.finfo(np.float32).eps)  # of a Gramian; smaller eigenvalues, by the largest, mean nothing


def root(gramian_KK: np.ndarray) -> np.ndarray:
    """root_KK with root^T root = G: its columns are the gradients, up to a rotation."""
    values_K, vectors_KK = np.linalg.eigh(gramian_KK)
    return np.asarray(np.sqrt(values_K.clip(min=0))[:, None] * vectors_KK.T)


def length(gramian_KK: np.ndarray, weights_K: np.ndarray) -> float:
    """|sum_i w_i g_i|."""
    return float(np.sqrt(max(weights_K @ gramian_KK @ weights_K, 0.0)))


def shortest(gramian_KK: np.ndarray) -> np.ndarray:
    """weights_K >= 0, of sum 1, of the shortest vector in the gradients' convex hull.

    The v >= 0 with the least |sum_i v_i g_i|^2 + (sum_i v_i - 1)^2 is a multiple of them: of v = s w
    the best s leaves m / (1 + m) with m = |sum_i w_i g_i|^2, which rises with m.
    """
    from scipy.optimize import nnls

    scale = np.trace(gramian_KK) / len(gramian_KK)
    rows = np.vstack([root(gramian_KK / scale), np.ones(len(gramian_KK))])
    weights_K, _ = nnls(rows, np.append(np.zeros(len(gramian_KK)), 1.0))
    return np.asarray(weights_K / weights_K.sum())
