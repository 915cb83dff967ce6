"""How well hidden words are guessed.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics
from components.families.shared.metrics import mean


def _of_hidden_words(what: str) -> Statistics:
    """statistics_N2: what a prediction says of all its hidden words, and how many they are."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        return np.array([(found[what], found["hidden"]) for found in predictions], dtype=np.float64)

    return statistics


def surprise(sums_R2: np.ndarray) -> np.ndarray:
    """number_R: minus the mean of what is at most 0, as an error is at least 0."""
    return -mean(sums_R2)


METRICS = (
    Metric("accuracy", _of_hidden_words("guessed"), mean),
    Metric("log_likelihood", _of_hidden_words("log_likelihood"), surprise, better="lower"),
)
