"""Filtered ranks, by hand, and the metrics of them."""

from __future__ import annotations

import numpy as np
import pytest

from components.families.knowledge_graph.metrics import METRICS, filtered_rank

SCORES = np.array([0.9, 0.5, 0.7, 0.5, 0.1])


@pytest.mark.parametrize(
    ("answer", "others", "rank"),
    [
        (0, [], 1),
        (4, [], 5),
        (4, [0, 2], 3),  # two that are right as well are left out
        (1, [], 3.5),  # shares ranks 3 and 4
        (1, [3], 3),
        (2, [4], 2),  # what stands below does not matter
        (None, [0], np.inf),
    ],
)
def test_a_filtered_rank(answer: int | None, others: list[int], rank: float) -> None:
    assert filtered_rank(SCORES, answer, others) == rank


def test_who_says_the_same_of_all_is_in_the_middle() -> None:
    """Neither the first nor the last; nor does a score that is no number win."""
    assert filtered_rank(np.zeros(9), 3, []) == 5
    assert filtered_rank(np.full(9, np.nan), 3, []) == 5
    assert filtered_rank(np.array([1.0, np.nan, 2.0]), 1, []) == 2


def test_metrics_are_means_over_all_questions() -> None:
    ranks = [[1, 2], [4, 11]]
    expected = {
        "mrr": (1 + 1 / 2 + 1 / 4 + 1 / 11) / 4,
        "hits_at_1": 1 / 4,
        "hits_at_3": 2 / 4,
        "hits_at_10": 3 / 4,
    }
    predictions = [{"ranks": of_row} for of_row in ranks]
    found = {metric.name: metric.measure([], predictions, {}) for metric in METRICS}
    assert found == pytest.approx(expected)


def test_an_answer_that_is_no_candidate_is_never_found() -> None:
    assert [metric.measure([], [{"ranks": [np.inf]}], {}) for metric in METRICS] == [0] * len(METRICS)
