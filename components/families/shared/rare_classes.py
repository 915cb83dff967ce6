"""The macro F1 of classes that have few rows each: how far off is it in the mean?

It is too low by its nature. A class with no row of its own that is predicted once has an F1 of 0, and one
whose single row is missed too; 50 rows of 50 classes, each of an F1 of .8, have .71 in the mean. The
jackknife finds that from about four rows a class on. With fewer, a class says nothing of itself and the mean
can only be told if classes are taken for alike as far as their rows do not say otherwise: that is what an
empirical Bayes estimate does.

Legend: C classes, K kinds of classes that have equal counts, R right and W wrong answers of one.
"""

from __future__ import annotations

import numpy as np

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
