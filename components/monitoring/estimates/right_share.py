"""How many answers are right, by how sure the model is of them.

Each answer is as often right as the test rows' answers of its probability were (the bins of the reliability
diagram, joined by lines). It holds while the model is as well calibrated as it was, which a shift may end
(Garg et al. 2022 compare such estimates): advice, and no reason for anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.evaluation.records import ReliabilityBin


def chances_of_being_right(bins: Sequence[ReliabilityBin], probabilities: np.ndarray) -> np.ndarray:
    """Of each answer, given its probability. Without bins nothing is known (NaN)."""
    if not bins:
        return np.full(len(probabilities), np.nan)
    ordered = sorted(bins, key=lambda one: one.probability)
    sure, right = [one.probability for one in ordered], [one.right for one in ordered]
    return np.asarray(np.interp(probabilities, sure, right))


def right_of_test_rows(bins: Sequence[ReliabilityBin]) -> tuple[float, int]:
    """The share of the test rows' answers that are right, and how many there are."""
    answers = sum(one.answers for one in bins)
    return sum(one.right * one.answers for one in bins) / max(answers, 1), answers
