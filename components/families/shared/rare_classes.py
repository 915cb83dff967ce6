"""Classes that have few rows each: how far off is their macro F1 in the mean, and how far off may it be, or a
correlation of classes?

It is too low by its nature. A class with no row of its own that is predicted once has an F1 of 0, and one
whose single row is missed too; 50 rows of 50 classes, each of an F1 of .8, have .71 in the mean. The
jackknife finds that from about four rows a class on. With fewer, a class says nothing of itself and the mean
can only be told if classes are taken for alike as far as their rows do not say otherwise: that is what an
empirical Bayes estimate does.

Legend: C classes, K kinds of classes that have equal counts, R right and W wrong answers of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from components.families.shared.counts import fewest, wilson_ends

PRIOR = 0.5  # rows that each class has besides its own, for how frequent it is (Jeffreys 1946)
ALIKE = 1.0  # rows' worth of the mean F1 that each class has besides its own
MANY = 20.0  # rows of a class; from so many on, the second order of the delta method is enough
COUNTS = np.arange(90.0)  # of what has a mean of at most 2 MANY; more has a chance below 1e-9


def bias_of_macro_f1(sums_S: np.ndarray) -> float:
    """How far above the truth the macro F1 of so many rows is in the mean; mostly below 0.

    S holds (true positives, predicted, gold) of one class after the other. A class's right and wrong answers
    are taken for Poisson counts, and their means for what was counted, drawn towards the mean of all classes.
    """
    hits_C, predicted_C, gold_C = sums_S.reshape(-1, 3).T
    size_C = (predicted_C + gold_C) / 2
    rows, mean = size_C.sum(), hits_C.sum() / max(size_C.sum(), 1)
    f1_C = (hits_C + ALIKE * mean) / (size_C + ALIKE)
    size_C = rows * (size_C + PRIOR) / (rows + PRIOR * len(size_C))
    kinds_K2, count_K = np.unique(np.stack([f1_C, size_C], axis=1), axis=0, return_counts=True)
    expected_K, present_K = _expected(*kinds_K2.T)
    return float((count_K @ expected_K) / max(count_K @ present_K, 1e-9) - f1_C.mean())


def ends_of_macro_f1(sums_S: np.ndarray, variance: float, level: float) -> tuple[float, float]:
    """Low end and high end by what the rows of each class tell (`Metric.ends`), put together as of values
    that err apart (Zou & Donner 2008).

    The F1 of a class is a function of a share, 2 J / (1 + J): of J of all rows that are it or are said to be
    (Jaccard's index). So its ends are those of Wilson's interval of J, and where it has no row it may be
    anything. Without this, a class whose five rows are all right counts as known. And a loss that few rows
    make may by chance be that large, as of a share of rows.
    """
    from scipy.special import ndtri

    hits_C, predicted_C, gold_C = sums_S.reshape(-1, 3).T
    count_C, size_C = predicted_C + gold_C - hits_C, (predicted_C + gold_C) / 2
    none_C = count_C == 0
    f1_C = np.where(none_C, hits_C.sum() / max(size_C.sum(), 1), hits_C / np.maximum(size_C, 0.5))
    value = float(f1_C[~none_C].mean()) if count_C.any() else 0.0
    low_C, high_C = (2 * end / (1 + end) for end in wilson_ends(hits_C, count_C, float(ndtri(level))))
    below, above = (math.hypot(*(end_C - f1_C)) / len(f1_C) for end_C in (low_C, high_C))
    unbiased = value - bias_of_macro_f1(sums_S)
    by_few = (1 - unbiased) * _least_part(sums_S, level)
    return unbiased - below, max(unbiased + above, 1 - by_few)


def _least_part(sums_S: np.ndarray, level: float) -> float:
    """What part of the loss is left at least where few wrong rows make it, by what their Poisson count allows
    (`counts.fewest`). Of rows that cost unequally much so many are counted as have the variance of their
    sum, and no more than there are: each is one of a class and is said to be of another."""
    hits_C, predicted_C, gold_C = sums_S.reshape(-1, 3).T
    wrong_C = predicted_C + gold_C - 2 * hits_C
    lost_C = wrong_C / np.maximum(predicted_C + gold_C, 1)
    if not lost_C.any():
        return 1.0
    there_are = max(gold_C.sum(), predicted_C.sum()) - hits_C.sum()
    rows = min(lost_C.sum() ** 2 / (lost_C**2 / np.maximum(wrong_C, 1)).sum(), there_are)
    return fewest(float(rows), 2 * (1 - level)) / float(rows)


def ends_of_correlation(
    of_sums: Callable[[np.ndarray], np.ndarray],
) -> Callable[[np.ndarray, float, float], tuple[float, float]]:
    """`Metric.ends` of one whose statistics are such counts: what the value would be if one class had the low
    end, or the high one, of Wilson's interval of its recall; put together over the classes, whose rows are
    right or wrong apart (Zou & Donner 2008). A jackknife finds no doubt in five rows that are all right, nor
    in a value of 0 where a rare class is never predicted."""

    def value(sums_C3: np.ndarray) -> float:
        return float(of_sums(sums_C3.reshape(1, -1))[0])

    def ends(sums_S: np.ndarray, variance: float, level: float) -> tuple[float, float]:
        from scipy.special import ndtri  # a service reads this module, and has no scipy

        sums_C3, z = sums_S.reshape(-1, 3), float(ndtri(level))
        _, place_K, count_K = np.unique(sums_C3, axis=0, return_index=True, return_counts=True)
        seen, recalls = value(sums_C3), wilson_ends(sums_C3[:, 0], sums_C3[:, 2], z)
        low_K, high_K = (
            np.array([value(_with_recall(sums_C3, k, end_C[k], z**2)) - seen for k in place_K])
            for end_C in recalls
        )
        below, above = count_K @ np.minimum(low_K, 0) ** 2, count_K @ np.maximum(high_K, 0) ** 2
        return seen - math.sqrt(below), seen + math.sqrt(above)

    return ends


def _with_recall(sums_C3: np.ndarray, place: int, recall: float, unseen: float) -> np.ndarray:
    """The sums if the class at this place had this recall. Its rows that turn right are taken from what is
    wrongly said to be of another class, and those that turn wrong are said to be of another by how many rows
    that has. A class without a row has so many unseen ones that are right."""
    found_C3 = sums_C3.astype(np.float64)
    hits_C, predicted_C, gold_C = found_C3.T.copy()
    if gold_C[place] == 0:
        found_C3[place] += unseen
        return found_C3
    more = gold_C[place] * recall - hits_C[place]
    weight_C = predicted_C - hits_C if more > 0 else gold_C
    weight_C[place] = 0
    found_C3[place, :2] += more
    found_C3[:, 1] -= more * weight_C / max(weight_C.sum(), 1)
    return found_C3


def dearest_of_macro_f1(sums_S: np.ndarray) -> float:
    """What a row is worth at least at which a model fails (`Metric.dearest`). One of a class with n of N rows
    loses N / (C n) of the value at most; of all classes, by their rows and half a row each, it is the sum of
    squares over the sum, as of the rows that there are (`intervals.worth_of`)."""
    _, _, gold_C = sums_S.reshape(-1, 3).T
    return float(gold_C.sum() / len(gold_C) * (1 / (gold_C + PRIOR)).mean())


def _expected(f1_K: np.ndarray, size_K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of kinds of classes with this F1 and so many rows: the mean F1 of test sets, 0 where the class does not
    occur, and the chance that it does."""
    from scipy.stats import poisson

    right_K, wrong_K = f1_K * size_K, 2 * (1 - f1_K) * size_K
    expected_K = f1_K - 2 * right_K * wrong_K / np.maximum(2 * size_K, 1e-9) ** 3
    few = size_K < MANY
    right, wrong = (poisson.pmf(COUNTS, mean_K[few, None]) for mean_K in (right_K, wrong_K))
    f1_RW = 2 * COUNTS[:, None] / np.maximum(2 * COUNTS[:, None] + COUNTS, 1)
    expected_K[few] = ((right @ f1_RW) * wrong).sum(1)
    return expected_K, 1 - np.exp(-right_K - wrong_K)
