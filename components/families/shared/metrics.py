"""Metrics, and arithmetic of metrics, that several families share.

Legend: N rows, C classes, S statistics, R resamples.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics

if TYPE_CHECKING:
    from scipy.sparse import csr_array


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


def class_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> csr_array:
    """statistics_N(3C) of rows that have a label and are given one: per class (true positive, predicted,
    gold), one class after the other."""
    gold, said = ([(one["label"],) for one in side] for side in (rows, predictions))
    return label_counts(gold, said, facts["labels"])


def label_counts(
    gold: Sequence[Collection[str]], said: Sequence[Collection[str]], labels: Sequence[str]
) -> csr_array:
    """statistics_N(3C) of rows that have any number of labels, one label after the other: (true positive,
    predicted, gold). A label that is not of `labels` counts nowhere.

    Of most labels a row says nothing, so that the table is sparse: of 20,000 it has a few entries a row.
    """
    from scipy.sparse import csr_array

    number = {label: index for index, label in enumerate(labels)}
    columns: list[int] = []
    ends = [0]
    for right, found in zip(gold, said, strict=True):
        both = {number[one] for one in right if one in found and one in number}
        columns += [3 * place for place in both]
        columns += [3 * number[one] + 1 for one in found if one in number]
        columns += [3 * number[one] + 2 for one in right if one in number]
        ends.append(len(columns))
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(gold), 3 * len(labels)))


MACRO_F1 = Metric("macro_f1", class_counts, macro_f1_of_sums)
"""Of labels."""
