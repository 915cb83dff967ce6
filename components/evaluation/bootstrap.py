"""Intervals by the bootstrap over rows, or over the groups that rows belong to (Efron 1979).

Every metric is a function of summed per-row statistics, so a resample is a weighted sum, and two
models compared on the same rows share the resamples (a paired bootstrap).

Legend: N rows, S statistics, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def weights(groups: Sequence[Sequence[str]], resamples: int, seed: int) -> np.ndarray:
    """weights_RN: how often each row counts in each resample.

    Rows without groups are drawn themselves. Otherwise the distinct groups are drawn, and a row
    counts the product of its groups' draws, so a pair is drawn with both its documents (the node
    bootstrap, Snijders & Borgatti 1999).
    """
    generator = np.random.default_rng(seed)
    if not any(groups):
        n = len(groups)
        return generator.multinomial(n, np.full(n, 1 / n), size=resamples).astype(np.float32)
    names = sorted({name for row in groups for name in row})
    number = {name: index for index, name in enumerate(names)}
    drawn_RG = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=resamples)
    weights_RN = np.ones((resamples, len(groups)), dtype=np.float32)
    for row, members in enumerate(groups):
        for name in members:
            weights_RN[:, row] *= drawn_RG[:, number[name]]
    return weights_RN


def interval(values: np.ndarray, confidence: float) -> list[float]:
    """The percentile interval of resampled values_R."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return [float(low), float(high)]


def p_value(differences: np.ndarray) -> float:
    """One-sided: the share of resamples in which the candidate did not lose, differences_R >= 0.

    Small when it lost in nearly every resample. Never 0: (count + 1) / (R + 1) (Davison & Hinkley
    1997, eq. 4.11).
    """
    return float((np.sum(differences >= 0) + 1) / (len(differences) + 1))
