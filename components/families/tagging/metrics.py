"""How good tag sequences are: entities found exactly (CoNLL 2003 shared task), or tokens tagged right.

Legend: N sentences.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from components.families.base import ClassCounts, Facts, Metric, Prediction, Row
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


def class_counts(
    rows: Sequence[Row],
    predictions: Sequence[Prediction],
    classes: Iterable[str],
    spans_of: Callable[[Sequence[str]], Iterable[tuple[str, int, int]]],
) -> list[ClassCounts]:
    """Of each class the spans that tags spell: in the gold, predicted, and found exactly."""
    gold: Counter[str] = Counter()
    guessed: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row, prediction in zip(rows, predictions, strict=True):
        in_gold, in_guess = set(spans_of(row["tags"])), set(spans_of(prediction["tags"]))
        gold.update(kind for kind, _, _ in in_gold)
        guessed.update(kind for kind, _, _ in in_guess)
        right.update(kind for kind, _, _ in in_gold & in_guess)
    return [ClassCounts(kind, gold[kind], guessed[kind], right[kind]) for kind in classes]


ENTITY_F1 = Metric("entity_f1", entity_counts, f1)
TOKEN_ACCURACY = Metric("token_accuracy", token_counts, mean)
