"""The best labels by their probabilities: of 20,000, nobody reads or keeps them all.

Legend: N rows, C labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from components.families.base import Prediction

DIGITS = 6  # of a baseline's
KEPT = 100  # labels of an answer: a set of more is cut to the most probable


def most_probable(labels: Sequence[str], probability_C: np.ndarray) -> dict[str, float]:
    """label -> its probability: of every label in the order of the set, or of the KEPT most probable ones,
    the best first."""
    if len(labels) <= KEPT:
        return dict(zip(labels, probability_C.tolist(), strict=True))
    least = np.partition(probability_C, -KEPT)[-KEPT]
    some = np.flatnonzero(probability_C >= least)  # more than KEPT, where some are equal
    best = some[np.argsort(-probability_C[some], kind="stable")[:KEPT]]
    return {labels[place]: float(probability_C[place]) for place in best}


def best_of(probabilities: Mapping[str, float], count: int) -> dict[str, float]:
    """The `count` highest, the best first."""
    return dict(sorted(probabilities.items(), key=lambda item: -item[1])[:count])


def with_names(one: Prediction, names: Mapping[str, str]) -> Prediction:
    """An answer whose probabilities are those of labels that are called as `names` has them; labels that are
    called alike have them together. A row has none."""
    if "probabilities" not in one:
        return dict(one)
    found: dict[str, float] = {}
    for label, probable in one["probabilities"].items():
        name = names.get(label, label)
        found[name] = found.get(name, 0.0) + probable
    return {**one, "probabilities": found}


def of_margins(labels: Sequence[str], margin_NC: np.ndarray) -> list[dict[str, float]]:
    """Per row, the most probable labels of a linear baseline that knows margins and no probabilities.

    Squeezed to 0 to 1 each by itself, they rank rows and labels as the margins do, and say no more. Of two
    classes scikit-learn gives one column, the second's.
    """
    margin_NC = margin_NC.reshape(len(margin_NC), -1)
    if margin_NC.shape[1] < len(labels) == 2:
        margin_NC = np.concatenate([-margin_NC, margin_NC], axis=1)
    squeezed_NC = np.exp(-np.logaddexp(0, -margin_NC)).round(DIGITS)
    return [most_probable(labels, squeezed_C) for squeezed_C in squeezed_NC]
