"""Wording: whether the texts are of the same kind, by the maximum mean discrepancy of their sketches.

Gretton et al. 2012, with the Gaussian kernel of the median distance, by random Fourier features (Rahimi and
Recht 2007), so that all draws are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.keyed import derive_seed
from components.monitoring.detectors.base import Comparison, Seen

FEATURES = 256
PAIRS = 1000  # whose median distance is the kernel's width


def _tests(seen: Seen) -> Iterator[Comparison]:
    sketches_ND = seen.texts.sketches_ND
    if not sketches_ND.shape[1]:
        return
    features_NF = _features(sketches_ND.astype(np.float32))
    (gap_F,) = _gaps(features_NF, seen.later_N[None].astype(np.float32))
    yield Comparison(
        subject="wording",
        words=f"wording: the texts read differently (discrepancy {np.linalg.norm(gap_F):.2f} of 1.41)",
        statistic=lambda later_RN: np.square(_gaps(features_NF, later_RN)).sum(axis=1),
        scores_N=features_NF @ gap_F,
    )


def _gaps(features_NF: np.ndarray, later_RN: np.ndarray) -> np.ndarray:
    """Of each draw, the mean features of the later texts less those of the others."""
    counts_R1 = later_RN.sum(axis=1, keepdims=True)
    sums_RF, all_F = later_RN @ features_NF, features_NF.sum(axis=0)
    return np.asarray(sums_RF / counts_R1 - (all_F - sums_RF) / (len(features_NF) - counts_R1))


def _features(sketches_ND: np.ndarray) -> np.ndarray:
    draw = np.random.default_rng(derive_seed("wording"))
    size, width = sketches_ND.shape
    pairs = draw.integers(size, size=(2, PAIRS))
    distances = np.linalg.norm(sketches_ND[pairs[0]] - sketches_ND[pairs[1]], axis=1)
    scale = float(np.median(distances[distances > 0])) if (distances > 0).any() else 1.0
    directions_DF = draw.normal(size=(width, FEATURES // 2)).astype(np.float32) / scale
    angles_NF = sketches_ND @ directions_DF
    return np.hstack([np.cos(angles_NF), np.sin(angles_NF)]) / np.float32(np.sqrt(FEATURES // 2))


DETECTOR = _tests
