"""The measures of one right answer, held to scikit-learn's and to the definition."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score, top_k_accuracy_score

from components.families.retrieval.metrics import METRICS

DRAW = np.random.default_rng(3)
SCORES_NC = DRAW.normal(size=(40, 25))
RIGHT_N = DRAW.integers(0, 25, 40)
RANK_N = 1 + (SCORES_NC[np.arange(40), RIGHT_N][:, None] < SCORES_NC).sum(1).astype(float)


def measured(metric: str, rank_N: np.ndarray) -> float:
    """The metric of rankings that have the right answer at these ranks."""
    (found,) = [one for one in METRICS if one.name == metric]
    rankings = [[*range(1, int(rank))] if np.isfinite(rank) else [] for rank in rank_N]
    answered = [
        [{"id": str(wrong)} for wrong in wrongs] + [{"id": "right"}] * bool(np.isfinite(rank))
        for wrongs, rank in zip(rankings, rank_N, strict=True)
    ]
    rows = [{"answer": "right"}] * len(rank_N)
    return found.measure(rows, [{"ranking": ranking} for ranking in answered], {})


@pytest.mark.parametrize("k", [1, 5])
def test_recall(k: int) -> None:
    expected = top_k_accuracy_score(RIGHT_N, SCORES_NC, k=k, labels=range(25))
    assert measured(f"recall_at_{k}", RANK_N) == expected


def test_ndcg() -> None:
    gain_NC = np.eye(25)[RIGHT_N]
    assert measured("ndcg_at_10", RANK_N) == pytest.approx(ndcg_score(gain_NC, SCORES_NC, k=10))


def test_reciprocal_rank_is_average_precision_of_one_right_answer() -> None:
    """Within the first ten; beyond it is 0."""
    near = RANK_N <= 10
    gain_NC = np.eye(25)[RIGHT_N[near]]
    expected = label_ranking_average_precision_score(gain_NC, SCORES_NC[near]) * near.mean()
    assert 0 < near.mean() < 1
    assert measured("mrr_at_10", RANK_N) == pytest.approx(expected)


@pytest.mark.parametrize("name", [one.name for one in METRICS])
def test_a_ranking_without_the_right_answer_counts_nothing(name: str) -> None:
    assert measured(name, np.array([np.inf])) == 0
    assert measured(name, np.array([1.0])) == 1
