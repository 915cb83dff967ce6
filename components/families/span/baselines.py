"""Answers without a model: a context's first words, or the rarest of the sentence most like the question."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from components.families.base import Prediction, Row
from components.families.shared.words import UNSPACED

WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
ENDS = ".!?。！？"
SENTENCE = re.compile(rf"[^{ENDS}]*[^{ENDS}\s][^{ENDS}]*[{ENDS}]*")


def first_words(row: Row, count: int) -> Prediction:
    """The first words of the context; no answer for a count of 0."""
    found = [match.end() for match in WORD.finditer(row["context"])][:count]
    return {"start": 0, "end": found[-1]} if found else {"start": None, "end": None}


def likest_sentence(row: Row, vectorizer: Any) -> tuple[float, tuple[int, int]]:
    """The cosine with the question, and the place, of the context's sentence that is most like it."""
    context = row["context"]
    sentences = [match.span() for match in SENTENCE.finditer(context)]
    sentences = sentences or [(0, len(context))]
    vectors = vectorizer.transform([row["question"], *(context[start:end] for start, end in sentences)])
    cosines = (vectors[1:] @ vectors[0].T).toarray()[:, 0]
    return float(cosines.max()), sentences[int(cosines.argmax())]


def rarest_words(row: Row, sentence: tuple[int, int], count: int, vectorizer: Any) -> Prediction:
    """The run of words with the greatest sum of inverse document frequencies, the question's counting 0."""
    words = [match.span() for match in WORD.finditer(row["context"], *sentence)]
    analyse, idf = vectorizer.build_analyzer(), vectorizer.idf_
    numbers, known = vectorizer.vocabulary_, set(analyse(row["question"]))
    rarity = []
    for start, end in words:
        terms = [term for term in analyse(row["context"][start:end]) if term not in known]
        rarity.append(sum(idf[numbers[term]] for term in terms if term in numbers))
    sums = np.convolve(rarity, np.ones(min(max(count, 1), len(words))), "valid")
    first = int(sums.argmax())
    return {"start": words[first][0], "end": words[first + len(words) - len(sums)][1]}
