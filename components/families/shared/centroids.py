"""A linear baseline for large label sets, in bounded memory: the labels whose centroids are nearest.

The centroid of a label is the mean of its training texts' TF-IDF vectors (Rocchio 1971; Joachims 1997 uses
it to classify texts). It is as sparse as those; a support vector machine has a weight for every label and
word.

Legend: N texts, C labels, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_WEIGHTS = 20_000_000  # of a dense linear model, labels x features: 160 MB; and labels x rows: minutes
CELLS = 4_000_000  # of scores that are in memory at once


def too_many(labels: int, vectors_NF: csr_matrix) -> bool:
    """Would a dense linear model take more than a few hundred megabytes, or minutes to fit?"""
    return bool(labels * max(vectors_NF.shape) > MOST_WEIGHTS)


def nearest_labels(
    vectors_NF: csr_matrix, labels: Sequence[Sequence[str]], asked_MF: csr_matrix, count: int
) -> list[list[str]]:
    """Of each text that is asked the `count` labels whose centroids are nearest, by their cosine; `labels`
    are those of each training text."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    names = sorted({label for of_row in labels for label in of_row})
    number = {name: place for place, name in enumerate(names)}
    columns = [number[label] for of_row in labels for label in of_row]
    ends = np.cumsum([0, *map(len, labels)])
    holds_NC = csr_matrix((np.ones(len(columns)), columns, ends), shape=(len(labels), len(names)))
    centroids_FC = normalize(holds_NC.T @ vectors_NF).T.tocsr()
    block = max(1, CELLS // len(names))
    found: list[list[str]] = []
    for start in range(0, asked_MF.shape[0], block):
        scores_mC = (asked_MF[start : start + block] @ centroids_FC).toarray()
        best_mk = np.argsort(-scores_mC, axis=1, kind="stable")[:, :count]
        found += [[names[place] for place in best_k] for best_k in best_mk]
    return found
