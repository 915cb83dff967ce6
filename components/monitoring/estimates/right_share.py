"""How many answers are right, by how sure the model is of them.

Each answer is as often right as the test rows' answers of its probability were (the bins of the reliability
diagram, joined by lines). It holds while the model is as well calibrated as it was, which a shift may end
(Garg et al. 2022 compare such estimates): advice, and no reason for anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.evaluation.picture_records import ReliabilityBin


def chances_of_being_right(bins: Sequence[ReliabilityBin], probabilities: np.ndarray) -> np.ndarray:
    """Of each answer, given its probability. Without bins nothing is known (NaN)."""
    if not bins:
        return np.full(np.shape(probabilities), np.nan)
    return np.asarray(_weights(bins, probabilities) @ np.array([one.right for one in bins]))


def error_of_their_mean(bins: Sequence[ReliabilityBin], probabilities: np.ndarray) -> float:
    """The standard error of the mean of these chances, which the test rows of few bins may have made: that of
    answers which are all of one bin is the bin's own. A bin's share is moved towards a half by an answer each
    way, or one of few answers would have none."""
    weight_B = _weights(bins, probabilities).mean(axis=0)
    answers_B = np.array([one.answers for one in bins])
    share_B = (np.array([one.right for one in bins]) * answers_B + 1) / (answers_B + 2)
    return float(np.sqrt((weight_B**2 * share_B * (1 - share_B) / answers_B).sum()))


def _weights(bins: Sequence[ReliabilityBin], probabilities: np.ndarray) -> np.ndarray:
    """weight_NB: how much of each bin is in each answer's chance."""
    order = np.argsort([one.probability for one in bins], kind="stable")
    sure = [bins[place].probability for place in order]
    weight_NB = np.zeros((*np.shape(probabilities), len(bins)))
    for number, place in enumerate(order):
        weight_NB[..., place] = np.interp(probabilities, sure, np.eye(len(bins))[number])
    return weight_NB


def right_of_test_rows(bins: Sequence[ReliabilityBin]) -> tuple[float, int]:
    """The share of the test rows' answers that are right, and how many there are."""
    answers = sum(one.answers for one in bins)
    return sum(one.right * one.answers for one in bins) / max(answers, 1), answers
