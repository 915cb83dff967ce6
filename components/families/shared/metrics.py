"""Metrics, and arithmetic of metrics, that several families share.

Legend: N rows, C classes, S statistics, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics


def mean(sums_RS: np.ndarray) -> np.ndarray:
    """number_R of (sum, count): what a share or a mean over rows is."""
    return np.asarray(sums_RS[:, 0] / np.maximum(sums_RS[:, 1], 1))


def f1(sums_RS: np.ndarray) -> np.ndarray:
    """number_R of (found and right, found, in the gold)."""
    return np.asarray(2 * sums_RS[:, 0] / np.maximum(sums_RS[:, 1] + sums_RS[:, 2], 1))


def macro_f1_of_sums(sums_RS: np.ndarray) -> np.ndarray:
    """The unweighted mean F1 of the classes that occur in gold or predictions.

    sums_RS -> number_R; S holds (true positives, predicted, gold) of one class after the other.
    """
    hits_RC, predicted_RC, gold_RC = np.moveaxis(sums_RS.reshape(len(sums_RS), -1, 3), 2, 0)
    present_RC = predicted_RC + gold_RC > 0
    f1_RC = 2 * hits_RC / np.where(present_RC, predicted_RC + gold_RC, 1)
    return np.asarray(f1_RC.sum(1) / np.maximum(present_RC.sum(1), 1))


def equal(column: str) -> Statistics:
    """Per row: is the predicted `column` that of the row? And 1."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        pairs = zip(rows, predictions, strict=True)
        return np.array([(row[column] == found[column], 1) for row, found in pairs], dtype=np.float64)

    return statistics


def accuracy(column: str) -> Metric:
    """The share of rows whose predicted `column` is right."""
    return Metric("accuracy", equal(column), mean)


def class_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_NCS of rows that have a label and are given one: per class (true positive, predicted,
    gold)."""
    number = {label: index for index, label in enumerate(facts["labels"])}
    gold_N = np.array([number[row["label"]] for row in rows])
    predicted_N = np.array([number[prediction["label"]] for prediction in predictions])
    index = np.arange(len(rows))
    statistics_NCS = np.zeros((len(rows), len(number), 3))
    statistics_NCS[index[gold_N == predicted_N], gold_N[gold_N == predicted_N], 0] = 1
    statistics_NCS[index, predicted_N, 1] = 1
    statistics_NCS[index, gold_N, 2] = 1
    return statistics_NCS


def _flat_class_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    return class_counts(rows, predictions, facts).reshape(len(rows), -1)


MACRO_F1 = Metric("macro_f1", _flat_class_counts, macro_f1_of_sums)
"""Of labels."""
