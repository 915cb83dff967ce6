"""Where the right answer stands among all entities.

Legend: N entities, n rows, S statistics, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


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


def reciprocal(rank: float) -> float:
    """Its mean over rows is the MRR."""
    return 1 / rank


def within(most: int) -> Callable[[float], float]:
    """Is the rank at most so many? The mean over rows is hits@k."""
    return lambda rank: float(rank <= most)


METRICS: dict[str, Callable[[float], float]] = {
    "mrr": reciprocal,
    "hits_at_1": within(1),
    "hits_at_3": within(3),
    "hits_at_10": within(10),
}


def statistics(metric: str, ranks: Sequence[Sequence[float]]) -> np.ndarray:
    """statistics_n2: the sum of the metric over the questions of each row, and how many they are."""
    of = METRICS[metric]
    return np.array([(sum(map(of, of_row)), len(of_row)) for of_row in ranks], dtype=np.float64)


def mean(sums_R2: np.ndarray) -> np.ndarray:
    """value_R."""
    return np.asarray(sums_R2[:, 0] / np.maximum(sums_R2[:, 1], 1))
