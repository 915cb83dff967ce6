"""How good relations are: the class of no relation counts in neither F1 (Zhang 2017).

Legend: N rows, C classes, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import accuracy, class_counts, f1, macro_f1_of_sums


def relation_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_NCS of the classes that are relations: (true positive, predicted, gold)."""
    relations = [label != facts["options"]["none_class"] for label in facts["labels"]]
    return class_counts(rows, predictions, facts)[:, relations]


def of_all_relations(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N3: `relation_counts`, added up over the relations."""
    return np.asarray(relation_counts(rows, predictions, facts).sum(1))


def of_each_relation(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N(3C): `relation_counts`, one relation after the other."""
    return relation_counts(rows, predictions, facts).reshape(len(rows), -1)


METRICS = (
    Metric("micro_f1", of_all_relations, f1),
    accuracy("label"),
    Metric("macro_f1", of_each_relation, macro_f1_of_sums),
)
