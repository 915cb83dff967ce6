"""How far chance may move a score, and a mean that is not moved by scores of few rows."""

from __future__ import annotations

import numpy as np
import pytest

from components.families.shared.metrics import accuracy
from components.training.run.measured import Measured, mean


def test_the_standard_error_of_a_share_is_that_of_a_share() -> None:
    rows = [{"label": "a"} for _ in range(40)]
    answers = [{"label": "a" if number < 30 else "b"} for number in range(40)]
    metric = accuracy("label")
    found = metric.standard_error(metric.statistics(rows, answers, {"labels": ["a", "b"]}))
    assert found == pytest.approx((0.75 * 0.25 / 39) ** 0.5)
    of_one = metric.statistics(rows[:1], answers[:1], {"labels": ["a", "b"]})
    assert metric.standard_error(of_one) == 0


def test_a_mean_counts_each_head_by_its_rows_and_has_an_error() -> None:
    found = mean({"large": Measured(0.8, 0.02, 340), "small": Measured(0.5, 0.1, 28)})
    assert found.score == pytest.approx((340 * 0.8 + 28 * 0.5) / 368)
    assert found.error == pytest.approx(np.hypot(340 * 0.02, 28 * 0.1) / 368)
    assert found.rows == 368


def test_a_head_without_a_row_to_measure_leaves_a_mean() -> None:
    assert mean({"none": Measured(0.0, 0.0, 0)}) == (0.0, 0.0, 1.0)
