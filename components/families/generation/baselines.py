"""Answers that stand in the data already: the first sentence, or that of the nearest known text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from components.families.generation.metrics import words

FIRST = re.compile(r"\s*(.+?)(?:(?<=[.!?])(?=\s)|(?<=[。！？])|\n|$)", re.DOTALL)


def lead(text: str) -> str:
    """The first sentence, or the first line if that is shorter."""
    match = FIRST.match(text)
    return match[1] if match else text


def nearest(known: Sequence[str], asked: Sequence[str]) -> list[int]:
    """For every text asked the number of the known one that is most like it: cosine of TF-IDF."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True)
    index = NearestNeighbors(n_neighbors=1, metric="cosine", algorithm="brute")
    index.fit(vectorizer.fit_transform(known))
    found = index.kneighbors(vectorizer.transform(asked), return_distance=False)
    return [int(number) for number in found[:, 0]]
