"""How good levels are: Cohen's quadratically weighted kappa, and the mean absolute error.

Legend: N rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import accuracy, mean


def levels_of(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    """levels_N: the numbers of the rows' levels."""
    number = {name: float(index) for index, name in enumerate(names)}
    return np.array([number[row["label"]] for row in rows])


def level_sums(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N5 of gold level x and predicted y: 1, x, y, xx + yy, (x - y)^2."""
    x, y = (levels_of(side, facts["labels"]) for side in (rows, predictions))
    return np.stack([np.ones(len(x)), x, y, x * x + y * y, (x - y) ** 2], axis=1)


def absolute_errors(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N2: |x - y|, and 1."""
    x, y = (levels_of(side, facts["labels"]) for side in (rows, predictions))
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
    Metric("quadratic_kappa", level_sums, quadratic_kappa, kind="correlation"),
    Metric("negative_mae", absolute_errors, mean, better="lower"),  # in levels
    accuracy("label"),
)
