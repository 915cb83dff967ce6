"""Metrics, and arithmetic of metrics, that several families share.

Legend: N rows, C classes, S statistics, R resamples.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from components.families.base import ClassCounts, Facts, Metric, Prediction, Row
from components.families.base.metric import Statistics
from components.families.shared.ranks import (
    average_precision_values,
    class_scores,
    mean_area,
    of_each_class,
    roc_auc_values,
    rows_of_area,
)
from components.families.shared.rare_classes import (
    bias_of_macro_f1,
    dearest_of_macro_f1,
    ends_of_correlation,
    ends_of_macro_f1,
)

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array


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


def matthews_of_sums(sums_RS: np.ndarray) -> np.ndarray:
    """Matthews' correlation of gold and predicted classes, for any number of them (Gorodkin 2004, eq. 8); 0
    where either side is one class alone. sums_RS -> number_R, S as of `macro_f1_of_sums`."""
    hits_RC, predicted_RC, gold_RC = np.moveaxis(sums_RS.reshape(len(sums_RS), -1, 3), 2, 0)
    right, n, by_chance = hits_RC.sum(1), gold_RC.sum(1), (predicted_RC * gold_RC).sum(1)
    spread = (n**2 - (predicted_RC**2).sum(1)) * (n**2 - (gold_RC**2).sum(1))
    return np.asarray(
        np.where(spread > 0, (right * n - by_chance) / np.sqrt(np.where(spread > 0, spread, 1)), 0)
    )


def kappa_of_sums(sums_RS: np.ndarray) -> np.ndarray:
    """Cohen's kappa (1960): how far the share of right answers is above that of chance; 0 where chance gives
    them all. sums_RS -> number_R, S as of `macro_f1_of_sums`."""
    hits_RC, predicted_RC, gold_RC = np.moveaxis(sums_RS.reshape(len(sums_RS), -1, 3), 2, 0)
    n = gold_RC.sum(1)
    by_chance = (predicted_RC * gold_RC).sum(1) / np.maximum(n, 1)
    room = n - by_chance
    return np.asarray(np.where(room > 0, (hits_RC.sum(1) - by_chance) / np.where(room > 0, room, 1), 0))


def root_mean(sums_R2: np.ndarray) -> np.ndarray:
    """number_R of (sum of squares, count)."""
    return np.asarray(np.sqrt(mean(sums_R2)))


def equal(column: str) -> Statistics:
    """Per row: is the predicted `column` that of the row? And 1."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        pairs = zip(rows, predictions, strict=True)
        return np.array([(row[column] == found[column], 1) for row, found in pairs], dtype=np.float64)

    return statistics


def accuracy(column: str) -> Metric:
    """The share of rows whose predicted `column` is right."""
    return Metric("accuracy", equal(column), mean)


def label_of(one: Row | Prediction) -> Sequence[str]:
    """The one label of a row or a prediction."""
    return (one["label"],)


def among_best(k: int) -> Statistics:
    """Per row: is the label among the k most probable ones? And 1. Of equally probable labels the last ones
    of the set come first, as in scikit-learn."""

    def statistics(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
        number = {label: place for place, label in enumerate(facts["labels"])}
        gold_N = np.array([number[row["label"]] for row in rows])
        ahead_N = labels_ahead(class_scores(predictions, facts["labels"], label_of), gold_N)
        return np.stack([ahead_N < k, np.ones(len(rows))], axis=1).astype(np.float64)

    return statistics


def labels_ahead(scores_NC: csc_array, gold_N: np.ndarray) -> np.ndarray:
    """count_N: the labels that stand before the row's own; of equal scores the last of the set is first."""
    kept = scores_NC.tocoo()
    behind = kept.col > gold_N[kept.row]
    own_N = np.zeros(len(gold_N))
    is_own = kept.col == gold_N[kept.row]
    own_N[kept.row[is_own]] = kept.data[is_own]
    ahead = (kept.data > own_N[kept.row]) | (behind & (kept.data == own_N[kept.row]))
    ahead_N, behind_N = (np.bincount(kept.row, which, len(gold_N)) for which in (ahead, behind))
    not_kept_N = scores_NC.shape[1] - 1 - gold_N - behind_N  # of those behind it; their score is 0
    return np.asarray(ahead_N + np.where(own_N == 0, not_kept_N, 0))


def class_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> csr_array:
    """statistics_N(3C) of rows that have a label and are given one: per class (true positive, predicted,
    gold), one class after the other."""
    gold, said = ([label_of(one) for one in side] for side in (rows, predictions))
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


def counts_of_labels(counts_NS: csr_array, labels: Sequence[str]) -> list[ClassCounts]:
    """Per label the sums of what `label_counts` gives of rows."""
    sums_C3 = counts_NS.sum(axis=0).reshape(-1, 3).astype(int).tolist()
    return [
        ClassCounts(label, gold, found, right)
        for label, (right, found, gold) in zip(labels, sums_C3, strict=True)
    ]


MACRO_F1 = Metric(
    "macro_f1",
    class_counts,
    macro_f1_of_sums,
    bias=bias_of_macro_f1,
    ends=ends_of_macro_f1,
    dearest=dearest_of_macro_f1,
)
"""Of labels."""
MCC = Metric(
    "mcc", class_counts, matthews_of_sums, kind="correlation", ends=ends_of_correlation(matthews_of_sums)
)
KAPPA = Metric(
    "cohen_kappa", class_counts, kappa_of_sums, kind="correlation", ends=ends_of_correlation(kappa_of_sums)
)
AUC = Metric("auc", of_each_class(roc_auc_values, label_of, 0.5), mean_area, rows_that_count=rows_of_area)
"""Of each label against the rest, in the mean over the labels (macro)."""
AVERAGE_PRECISION = Metric(
    "average_precision",
    of_each_class(average_precision_values, label_of, 0.0),
    mean_area,
    rows_that_count=rows_of_area,
)
"""Likewise."""
TOP_K = {k: Metric(f"top_{k}_accuracy", among_best(k), mean, least_labels=k + 1) for k in (3, 5)}
"""By k."""
