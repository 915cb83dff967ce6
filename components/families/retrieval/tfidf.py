"""Which texts are most alike by their words: TF-IDF and cosine (Salton & Buckley 1988).

Legend: Q questions, N texts, V words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from components.families.shared.linear import Unit
from components.families.shared.words import MARKS, UNSPACED

WORD = rf"[{UNSPACED}]|(?![{UNSPACED}])\w(?:(?![{UNSPACED}])[\w{MARKS}])*"
TERMS: Mapping[Unit, Mapping[str, Any]] = {
    "words": {"token_pattern": WORD},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
}
ROWS = 512  # questions whose similarities to all texts are in memory at once


def similarities(
    questions: Sequence[str], texts: Sequence[str], unit: Unit = "words"
) -> Iterator[np.ndarray]:
    """cosine_N of each question to every text; words, or n-grams of characters, are weighed by the texts that
    have them."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(sublinear_tf=True, **TERMS[unit])
    try:
        text_NV = model.fit_transform(texts)
    except ValueError:  # texts of symbols alone have no words
        yield from np.zeros((len(questions), len(texts)))
        return
    for first in range(0, len(questions), ROWS):
        question_QV = model.transform(questions[first : first + ROWS])
        yield from (question_QV @ text_NV.T).toarray()


def best(scores_N: np.ndarray, count: int) -> list[int]:
    """The numbers of the highest scores, best first; of equals the first."""
    count = min(count, len(scores_N))
    if count < len(scores_N):  # a partition is linear, and rarely leaves more than it must
        few = np.flatnonzero(scores_N >= np.partition(scores_N, -count)[-count])
    else:
        few = np.arange(len(scores_N))
    ranked: list[int] = few[np.argsort(-scores_N[few], kind="stable")][:count].tolist()
    return ranked
