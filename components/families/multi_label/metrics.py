"""How good sets of labels are.

Legend: N rows, C labels, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import macro_f1_of_sums, mean


def indicators(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    """holds_NC: does the label hold of the row?"""
    number = {name: index for index, name in enumerate(names)}
    holds_NC = np.zeros((len(rows), len(names)), dtype=bool)
    for index, row in enumerate(rows):
        holds_NC[index, [number[label] for label in row["labels"]]] = True
    return holds_NC


def label_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_NCS: per label (true positive, predicted, gold)."""
    gold_NC, predicted_NC = (indicators(side, facts["labels"]) for side in (rows, predictions))
    return np.stack([gold_NC & predicted_NC, predicted_NC, gold_NC], axis=2).astype(np.float64)


def of_all_labels(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N3: `label_counts`, added up over the labels."""
    return np.asarray(label_counts(rows, predictions, facts).sum(1))


def of_each_label(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N(3C): `label_counts`, one label after the other."""
    return label_counts(rows, predictions, facts).reshape(len(rows), -1)


def equal_sets(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N2: are all labels right? And 1."""
    gold_NC, predicted_NC = (indicators(side, facts["labels"]) for side in (rows, predictions))
    equal_N = (gold_NC == predicted_NC).all(1)
    return np.stack([equal_N, np.ones(len(rows))], axis=1).astype(np.float64)


METRICS = (
    Metric("micro_f1", of_all_labels, macro_f1_of_sums),  # of one class that holds all labels
    Metric("macro_f1", of_each_label, macro_f1_of_sums),
    Metric("subset_accuracy", equal_sets, mean),
)
