"""What a model of a graph must be compared with: two ways to score all entities as answers to a question.

Legend: N entities, V features of an entity.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from components.families.base import Facts, Prediction, Row
from components.families.knowledge_graph.metrics import filtered_rank
from components.families.knowledge_graph.triples import Question, others, questions, taught

Scorer = Callable[[Question], np.ndarray]  # -> scores_N
FLOOR = 0.01  # the similarity of entities that have nothing in common: what is frequent wins among equals


def ranks(score: Scorer, rows: Sequence[Row], facts: Facts) -> list[Prediction]:
    """Where the answers to each row's questions stand."""
    return [
        {
            "ranks": [
                filtered_rank(score(question), question.answer, others(question, facts))
                for question in questions(row["head"], row["relation"], row["tail"], facts)
            ]
        }
        for row in rows
    ]


def frequencies(facts: Facts) -> Scorer:
    """How often an entity answers the relation in training, whoever asks."""
    counts = {relation: matrix_NN.sum(0) for relation, matrix_NN in _answered(facts).items()}
    return lambda question: counts[question.relation]


def neighbours(facts: Facts) -> Scorer:
    """What entities answer in training, each weighed by the cosine of its features with those of the one that
    asks. The features, TF-IDF, are the character n-grams of its text, and what it answers in training."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    answered = _answered(facts)
    around: list[list[str]] = [[] for _ in facts["entities"]]
    for entity, relation, answer in taught(facts):
        around[entity].append(f"{relation} {answer}")
    spelling = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    features = spelling.fit_transform(facts["entities"]), TfidfVectorizer(analyzer=list).fit_transform(around)
    features_NV = (hstack(features) / len(features) ** 0.5).tocsr()

    def score(question: Question) -> np.ndarray:
        cosine_N = (features_NV[[question.entity]] @ features_NV.T).toarray()[0]
        return np.asarray((cosine_N + FLOOR) @ answered[question.relation])

    return score


def _answered(facts: Facts) -> dict[int, Any]:
    """By relation the matrix_NN of who (a row) is answered by whom (a column) in training."""
    from scipy.sparse import csr_array

    size = len(facts["entities"])
    pairs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for entity, relation, answer in taught(facts):
        pairs[relation].append((entity, answer))
    places = {relation: np.array(found).T for relation, found in pairs.items()}
    return {
        relation: csr_array((np.ones(len(rows)), (rows, columns)), (size, size))
        for relation, (rows, columns) in places.items()
    }
