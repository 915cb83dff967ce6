"""The best labels by their probabilities: of 20,000, nobody reads or keeps them all.

Legend: C labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

KEPT = 100  # labels of an answer: a set of more is cut to the most probable


def most_probable(labels: Sequence[str], probability_C: np.ndarray) -> dict[str, float]:
    """label -> its probability: of every label in the order of the set, or of the KEPT most probable ones,
    the best first."""
    if len(labels) <= KEPT:
        return dict(zip(labels, probability_C.tolist(), strict=True))
    least = np.partition(probability_C, -KEPT)[-KEPT]
    some = np.flatnonzero(probability_C >= least)  # more than KEPT, where some are equal
    best = some[np.argsort(-probability_C[some], kind="stable")[:KEPT]]
    return {labels[place]: float(probability_C[place]) for place in best}


def best_of(probabilities: Mapping[str, float], count: int) -> dict[str, float]:
    """The `count` highest, the best first."""
    return dict(sorted(probabilities.items(), key=lambda item: -item[1])[:count])
