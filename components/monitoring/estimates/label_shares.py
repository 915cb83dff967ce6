"""How frequent each label truly is among texts that nobody has labelled.

Black box shift estimation (Lipton et al. 2018, section 4): where only the frequencies of labels have changed,
and not how the texts of a label look, the shares that the model says are its confusion matrix times the true
shares; so these are found by solving for them, here among shares that are none below 0 and sum to 1. Both the
matrix, of the test rows, and what is said are counts, so the interval is that of the solution over draws of
both from their Dirichlet posteriors (Perks' prior: one pseudo-count a distribution).

Legend: C labels, R draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from components.evaluation.picture_records import Confusion
from components.keyed import derive_seed
from components.monitoring.traffic.records import Share

DRAWS = 1000  # of 200 an end is off by a fifth of a standard error
LEVEL = 0.95  # of the intervals
MOST_LABELS = 100  # more shares than that nobody reads, and few rows are of each
BINDING = 100.0  # weight of "the shares sum to 1" beside the equations


def true_shares(confusions: Sequence[Confusion], said: Mapping[str, int]) -> dict[str, Share]:
    """label -> its share, of the labels of the test rows, most frequent first; `said` counts what the model
    says now. Nothing where there is one label, too many, or nothing said that the test rows know."""
    labels = sorted({one.gold for one in confusions})
    said_C = np.array([said.get(label, 0) for label in labels], dtype=float)
    if not 2 <= len(labels) <= MOST_LABELS or not said_C.sum():
        return {}
    counts_CC = _matrix(confusions, labels)
    value_C = _solve(_columns(counts_CC), said_C / said_C.sum())
    seen = [int(count) for count in (*counts_CC.flat, *said_C)]
    draw = np.random.default_rng(derive_seed("label shares", *seen))  # or all windows would err alike
    drawn_RC = np.stack([_drawn(draw, counts_CC, said_C) for _ in range(DRAWS)])
    tail = (1 - LEVEL) / 2
    low_C, high_C = np.quantile(drawn_RC, [tail, 1 - tail], axis=0)
    found = zip(labels, value_C, np.minimum(low_C, value_C), np.maximum(high_C, value_C), strict=True)
    return {
        label: Share(value=float(value), interval=[float(low), float(high)])
        for label, value, low, high in sorted(found, key=lambda one: -one[1])
    }


def _matrix(confusions: Sequence[Confusion], labels: Sequence[str]) -> np.ndarray:
    """counts_CC: rows are what was said, columns what is right."""
    number = {label: place for place, label in enumerate(labels)}
    counts_CC = np.zeros((len(labels), len(labels)))
    for one in confusions:
        if one.said in number:
            counts_CC[number[one.said], number[one.gold]] += one.count
    return counts_CC


def _columns(counts_CC: np.ndarray) -> np.ndarray:
    return np.asarray(counts_CC / np.maximum(counts_CC.sum(axis=0), 1))


def _drawn(draw: np.random.Generator, counts_CC: np.ndarray, said_C: np.ndarray) -> np.ndarray:
    prior = 1 / len(said_C)
    columns = [draw.dirichlet(counts_C + prior) for counts_C in counts_CC.T]
    return _solve(np.stack(columns, axis=1), draw.dirichlet(said_C + prior))


def _solve(said_given_true_CC: np.ndarray, said_C: np.ndarray) -> np.ndarray:
    """The shares under which the model would say this, or the nearest to that."""
    from scipy.optimize import nnls

    equations = np.vstack([said_given_true_CC, np.full(len(said_C), BINDING)])
    shares_C, _ = nnls(equations, np.append(said_C, BINDING))
    return np.asarray(shares_C / max(shares_C.sum(), 1e-12))
