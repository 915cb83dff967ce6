"""How many answers are right, by the bins of a reliability diagram. Synthetic."""

from __future__ import annotations

import numpy as np
import pytest

from components.evaluation.picture_records import ReliabilityBin
from components.monitoring.estimates.right_share import (
    chances_of_being_right,
    error_of_their_mean,
    right_of_test_rows,
)

BINS = [
    ReliabilityBin(probability=0.9, right=0.8, answers=30),
    ReliabilityBin(probability=0.5, right=0.4, answers=10),
]


def test_an_answer_is_as_often_right_as_those_of_its_probability_were() -> None:
    found = chances_of_being_right(BINS, np.array([0.1, 0.5, 0.7, 0.9, 1.0]))
    assert found.tolist() == pytest.approx([0.4, 0.4, 0.6, 0.8, 0.8])


def test_the_error_of_a_mean_is_that_of_the_bins_that_are_in_it() -> None:
    few, many = 5 / 12 * 7 / 12 / 10, 25 / 32 * 7 / 32 / 30
    assert error_of_their_mean(BINS, np.array([0.1, 0.5])) == pytest.approx(few**0.5)
    assert error_of_their_mean(BINS, np.array([0.7])) == pytest.approx((few / 4 + many / 4) ** 0.5)


def test_the_test_rows_count_by_how_many_they_are() -> None:
    assert right_of_test_rows(BINS) == (pytest.approx(0.7), 40)


def test_without_bins_nothing_is_known() -> None:
    assert np.isnan(chances_of_being_right([], np.array([0.5]))).all()
    assert right_of_test_rows([]) == (0.0, 0)
