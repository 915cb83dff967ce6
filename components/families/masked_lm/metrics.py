"""How well hidden words are guessed.

Legend: N rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import mean


def _by_hidden_word(name: str, what: str) -> Metric:
    """The mean over the hidden words of what a prediction says of all of them."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        return np.array([(found[what], found["hidden"]) for found in predictions], dtype=np.float64)

    return Metric(name, statistics, mean)


METRICS = (_by_hidden_word("accuracy", "guessed"), _by_hidden_word("log_likelihood", "log_likelihood"))
