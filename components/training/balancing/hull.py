"""Geometry of K gradients that are known by their Gramian alone."""

from __future__ import annotations

import numpy as np

ROUNDING = float(np.finfo(np.float32).eps)  # of a cosine; smaller eigenvalues, by the largest, mean nothing


def root(gramian_KK: np.ndarray, rounding: float = 0.0) -> np.ndarray:
    """root_RK with root^T root = G: its columns are the gradients, up to a rotation.

    It is made of their cosines, so that each column is as exact as its own length allows, however short
    beside the others. Dimensions in which only `rounding` lies, by the eigenvalues of the cosines, are left
    out: R is the rank.
    """
    norms_K = lengths(gramian_KK)
    values_K, vectors_KK = np.linalg.eigh(gramian_KK / np.outer(norms_K, norms_K))
    kept_K = values_K > values_K[-1] * len(values_K) * rounding
    return np.asarray(np.sqrt(values_K[kept_K])[:, None] * vectors_KK[:, kept_K].T * norms_K)


def lengths(gramian_KK: np.ndarray) -> np.ndarray:
    """|g_i|_K, 1 for one of no length, since they divide."""
    norms_K = np.sqrt(np.diag(gramian_KK).clip(min=0))
    return np.where(norms_K > 0, norms_K, 1.0)


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
    weights_K, _ = nnls(rows, np.append(np.zeros(len(rows) - 1), 1.0))
    return np.asarray(weights_K / weights_K.sum())
