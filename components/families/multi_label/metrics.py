"""How good sets of labels are.

Legend: N rows, C labels, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import label_counts, macro_f1_of_sums, mean
from components.families.shared.ranks import (
    average_precision_values,
    mean_area,
    of_each_class,
    roc_auc_values,
    rows_of_area,
)
from components.families.shared.rare_classes import bias_of_macro_f1, dearest_of_macro_f1, ends_of_macro_f1

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def label_sets(ones: Sequence[Row | Prediction], labels: Sequence[str]) -> list[set[str]]:
    """Those of the labels that hold of each row, or are said to."""
    known = set(labels)
    return [known.intersection(one["labels"]) for one in ones]


def of_each_label(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> csr_array:
    """statistics_N(3C): per label (true positive, predicted, gold), one label after the other."""
    gold, said = ([set(one["labels"]) for one in side] for side in (rows, predictions))
    return label_counts(gold, said, facts["labels"])


def of_all_labels(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N3: `of_each_label`, added up over the labels."""
    pairs = zip(*(label_sets(side, facts["labels"]) for side in (rows, predictions)), strict=True)
    return np.array([(len(gold & said), len(said), len(gold)) for gold, said in pairs], dtype=np.float64)


def equal_sets(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N2: are all labels right? And 1."""
    pairs = zip(*(label_sets(side, facts["labels"]) for side in (rows, predictions)), strict=True)
    return np.array([(gold == said, 1) for gold, said in pairs], dtype=np.float64)


def labels_of(one: Row | Prediction) -> Sequence[str]:
    """The labels of a row or a prediction."""
    labels: Sequence[str] = one["labels"]
    return labels


METRICS = (
    Metric("micro_f1", of_all_labels, macro_f1_of_sums),  # of one class that holds all labels
    Metric(
        "macro_f1",
        of_each_label,
        macro_f1_of_sums,
        bias=bias_of_macro_f1,
        ends=ends_of_macro_f1,
        dearest=dearest_of_macro_f1,
    ),
    Metric("subset_accuracy", equal_sets, mean),
    *(
        Metric(name, of_each_class(values, labels_of, undefined), mean_area, rows_that_count=rows_of_area)
        for name, values, undefined in (  # the mean over the labels
            ("auc", roc_auc_values, 0.5),
            ("average_precision", average_precision_values, 0.0),
        )
    ),
)
