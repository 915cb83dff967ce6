"""How high the one right answer stands in a ranking: recall, reciprocal rank, discounted gain.

Legend: N rows; rank_N from 1, infinite where the right answer is not in the ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import mean

DEPTH = 10  # ranks that count


def rank_of(answer: str, prediction: Prediction) -> float:
    """From 1; infinite where the ranking lacks the answer."""
    ids = [found["id"] for found in prediction["ranking"]]
    return ids.index(answer) + 1 if answer in ids else np.inf


def _mean_of(name: str, of: Callable[[np.ndarray], np.ndarray]) -> Metric:
    """The mean of a function of the rank, rank_N -> number_N."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        pairs = zip(rows, predictions, strict=True)
        number_N = of(np.array([rank_of(row["answer"], found) for row, found in pairs]))
        return np.stack([number_N, np.ones(len(rows))], axis=1).astype(np.float64)

    return Metric(name, statistics, mean)


METRICS = (
    _mean_of("recall_at_1", lambda rank_N: rank_N <= 1),
    _mean_of("recall_at_5", lambda rank_N: rank_N <= 5),
    _mean_of("mrr_at_10", lambda rank_N: np.where(rank_N <= DEPTH, 1 / rank_N, 0)),
    # Jarvelin & Kekalainen 2002, with one right answer: the best possible gain is that of rank 1, which is 1.
    _mean_of("ndcg_at_10", lambda rank_N: np.where(rank_N <= DEPTH, 1 / np.log2(1 + rank_N), 0)),
)
