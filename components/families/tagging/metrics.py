"""How good tag sequences are: entities found exactly (CoNLL 2003 shared task), or tokens tagged right.

Legend: N sentences.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.families.base import Facts, Metric, Prediction, Row
from components.families.shared.metrics import f1, mean
from components.families.tagging.schemes import entities


def entity_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N3: entities found exactly (type and both ends), predicted, and in the gold."""
    pairs = [
        (set(entities(row["tags"])), set(entities(found["tags"])))
        for row, found in zip(rows, predictions, strict=True)
    ]
    counts = [(len(gold & guessed), len(guessed), len(gold)) for gold, guessed in pairs]
    return np.array(counts, dtype=np.float64)


def token_counts(rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> np.ndarray:
    """statistics_N2: tokens tagged right, and all."""
    pairs = [(row["tags"], found["tags"]) for row, found in zip(rows, predictions, strict=True)]
    counts = [(sum(map(str.__eq__, gold, guessed)), len(gold)) for gold, guessed in pairs]
    return np.array(counts, dtype=np.float64)


ENTITY_F1 = Metric("entity_f1", entity_counts, f1)
TOKEN_ACCURACY = Metric("token_accuracy", token_counts, mean)
