"""How good scores are: correlations, R^2, and errors in the data's units.

Legend: N rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics
from components.families.shared.metrics import mean, root_mean
from components.families.shared.ranks import correlation, kendall_values, spearman_values

TINY, LEAST = 1e-12, 1e-300  # a spread is none where it is so small a part of the sum of squares


def power_sums(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N7 of gold x and prediction y: 1, x, y, xx, yy, xy, (x - y)^2; x, y centred on the
    training mean, which changes neither metric and keeps the sums well conditioned."""
    x = np.array([row["score"] for row in rows]) - facts["mean"]
    y = np.array([prediction["score"] for prediction in predictions]) - facts["mean"]
    return np.stack([np.ones(len(x)), x, y, x * x, y * y, x * y, (x - y) ** 2], axis=1)


def pearson(sums_R7: np.ndarray) -> np.ndarray:
    """number_R; 0 where either side is constant."""
    n, x, y, xx, yy, xy, _ = sums_R7.T
    n = np.maximum(n, 1)
    spread_x, spread_y = xx - x * x / n, yy - y * y / n
    tiny = TINY * np.maximum(xx + yy, LEAST)
    defined = (spread_x > tiny) & (spread_y > tiny)
    scale = np.sqrt(np.where(defined, spread_x * spread_y, 1))
    return np.asarray(np.where(defined, (xy - x * y / n) / scale, 0))


def r2(sums_R7: np.ndarray) -> np.ndarray:
    """number_R: 1 - SSE / SST; 0 where the gold is constant, but for what rounding leaves."""
    n, x, _, xx, _, _, squared_error = sums_R7.T
    spread_x = xx - x * x / np.maximum(n, 1)
    defined = spread_x > TINY * np.maximum(xx, LEAST)
    return np.asarray(np.where(defined, 1 - squared_error / np.where(defined, spread_x, 1), 0))


def _of(arithmetic: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Statistics:
    """Arithmetic of gold x_N and prediction y_N, of rows and predictions."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        x_N, y_N = (np.array([one["score"] for one in side], float) for side in (rows, predictions))
        return arithmetic(x_N, y_N)

    return statistics


def absolute_errors(x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """statistics_N2: |x - y|, and 1."""
    return np.stack([np.abs(x_N - y_N), np.ones(len(x_N))], axis=1)


def squared_errors(x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """statistics_N2: (x - y)^2, and 1."""
    return np.stack([(x_N - y_N) ** 2, np.ones(len(x_N))], axis=1)


METRICS = (
    Metric("pearson", power_sums, pearson, kind="correlation", heavy=True),
    Metric("r2", power_sums, r2, kind="error", heavy=True),
    Metric("spearman", _of(spearman_values), correlation, kind="correlation"),
    Metric("kendall", _of(kendall_values), correlation, kind="correlation"),  # tau-b
    Metric(  # in the unit of the scores
        "negative_mae", _of(absolute_errors), mean, better="lower", heavy=True
    ),
    Metric("negative_rmse", _of(squared_errors), root_mean, better="lower", heavy=True),  # likewise
)
