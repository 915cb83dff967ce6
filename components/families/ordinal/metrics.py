"""How good levels are: Cohen's quadratically weighted kappa, rank correlations, the mean absolute error.

Legend: N rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics
from components.families.shared.metrics import accuracy, mean
from components.families.shared.ranks import correlation, kendall_values, spearman_values


def levels_of(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    """levels_N: the numbers of the rows' levels."""
    number = {name: float(index) for index, name in enumerate(names)}
    return np.array([number[row["label"]] for row in rows])


def _of(arithmetic: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Statistics:
    """Arithmetic of gold level x_N and predicted y_N, of rows and predictions."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        return arithmetic(*(levels_of(side, facts["labels"]) for side in (rows, predictions)))

    return statistics


def level_sums(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """statistics_N5: 1, x, y, xx + yy, (x - y)^2."""
    return np.stack([np.ones(len(x)), x, y, x * x + y * y, (x - y) ** 2], axis=1)


def absolute_errors(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """statistics_N2: |x - y|, and 1."""
    return np.stack([np.abs(x - y), np.ones(len(x))], axis=1)


def quadratic_kappa(sums_R5: np.ndarray) -> np.ndarray:
    """With weights (x - y)^2 the confusion matrix enters kappa (Cohen 1968) only through sums: what chance
    would give is the sum of xx + yy less 2 (sum of x) (sum of y) / n. Where gold and predictions are one and
    the same level, kappa is undefined and counts 0."""
    n, x, y, squares, squared = sums_R5.T
    chance = squares - 2 * x * y / np.maximum(n, 1)
    defined = chance > 1e-9
    return np.asarray(np.where(defined, 1 - squared / np.where(defined, chance, 1), 0))


METRICS = (
    Metric("quadratic_kappa", _of(level_sums), quadratic_kappa, kind="correlation"),
    Metric("negative_mae", _of(absolute_errors), mean, better="lower"),  # in levels
    accuracy("label"),
    Metric("spearman", _of(spearman_values), correlation, kind="correlation"),
    Metric("kendall", _of(kendall_values), correlation, kind="correlation"),  # tau-b
)
