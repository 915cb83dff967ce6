"""Where the right answer stands among all entities.

Legend: N entities.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import mean


def filtered_rank(scores_N: np.ndarray, answer: int | None, others: Sequence[int]) -> float:
    """The rank of `answer`, 1 is the best, among the entities that are not known to be right as well:
    `others` are left out (the filtered setting, Bordes et al. 2013, section 4.2). Infinite for no answer.

    Entities of equal score share the mean of their ranks, so that a model that says the same of all is in the
    middle (the realistic rank, Berrendorf et al. 2020); a score that is no number is better than none.
    """
    if answer is None:
        return np.inf
    rivals = np.delete(scores_N, [answer, *others])
    better = np.count_nonzero(rivals > scores_N[answer])
    not_worse = np.count_nonzero(~(rivals < scores_N[answer]))
    return 1 + (better + not_worse) / 2


def _mean_of(name: str, of: Callable[[float], float]) -> Metric:
    """The mean of a function of the rank, of tails and heads alike."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        """statistics_N2: its sum over the questions of each row, and how many they are."""
        ranks = [prediction["ranks"] for prediction in predictions]
        return np.array([(sum(map(of, of_row)), len(of_row)) for of_row in ranks], dtype=np.float64)

    return Metric(name, statistics, mean)


def _hits_at(most: int) -> Metric:
    return _mean_of(f"hits_at_{most}", lambda rank: float(rank <= most))


METRICS = (_mean_of("mrr", lambda rank: 1 / rank), _hits_at(1), _hits_at(3), _hits_at(10))
