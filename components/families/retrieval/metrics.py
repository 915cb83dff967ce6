"""How high the one right answer stands in a ranking: recall, reciprocal rank, discounted gain.

Legend: N rows; rank_N from 1, infinite where the right answer is not in the ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

DEPTH = 10  # ranks that count

METRICS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "recall_at_1": lambda rank_N: rank_N <= 1,
    "recall_at_5": lambda rank_N: rank_N <= 5,
    "mrr_at_10": lambda rank_N: np.where(rank_N <= DEPTH, 1 / rank_N, 0),
    # Jarvelin & Kekalainen 2002, with one right answer: the best possible gain is that of rank 1, which is 1.
    "ndcg_at_10": lambda rank_N: np.where(rank_N <= DEPTH, 1 / np.log2(1 + rank_N), 0),
}
"""Each row's part of a mean: rank_N -> value_N."""
