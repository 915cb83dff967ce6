"""How good relations are: the class of no relation counts in neither F1 (Zhang 2017).

Legend: N rows, C classes, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import (
    AUC,
    AVERAGE_PRECISION,
    KAPPA,
    MCC,
    TOP_K,
    accuracy,
    class_counts,
    f1,
    macro_f1_of_sums,
)
from components.families.shared.rare_classes import bias_of_macro_f1, dearest_of_macro_f1, ends_of_macro_f1

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def relation_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> csr_array:
    """statistics_N(3C) of the classes that are relations: (true positive, predicted, gold) of each."""
    relations = [label for label in facts["labels"] if label != facts["options"]["none_class"]]
    return class_counts(rows, predictions, {**facts, "labels": relations})


def of_all_relations(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N3: `relation_counts`, added up over the relations."""
    counts_NS = relation_counts(rows, predictions, facts)
    return np.stack([counts_NS[:, kind::3].sum(axis=1) for kind in range(3)], axis=1)


METRICS = (
    Metric("micro_f1", of_all_relations, f1),
    accuracy("label"),
    Metric(
        "macro_f1",
        relation_counts,
        macro_f1_of_sums,
        bias=bias_of_macro_f1,
        ends=ends_of_macro_f1,
        dearest=dearest_of_macro_f1,
    ),
    MCC,
    KAPPA,
    AUC,
    AVERAGE_PRECISION,
    *TOP_K.values(),
)
