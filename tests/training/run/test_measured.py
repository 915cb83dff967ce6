"""How far chance may move a score, and a mean that is not moved by scores of few rows."""

from __future__ import annotations

import numpy as np
import pytest

from components.families.shared.metrics import accuracy
from components.training.run.measured import FEWEST, Measured, _drawn, mean


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


class Labels:
    """A split as the draw sees it: how many rows it has, and which have a head's target."""

    def __init__(self, size: int, **rows_of: list[int]) -> None:
        self.size, self.rows_of = size, rows_of

    def __len__(self) -> int:
        return self.size

    def labelled(self, head: str) -> np.ndarray:
        return np.isin(np.arange(self.size), self.rows_of.get(head, range(self.size)))


@pytest.mark.parametrize(("rare", "expected"), [(range(960, 1000), 40), (range(0, 1000, 5), FEWEST)])
def test_a_head_of_few_rows_is_measured_wherever_they_stand(rare: range, expected: int) -> None:
    split = Labels(1000, rare=list(rare))
    alone = _drawn(split, ["all"], 100, key=7)
    rows = _drawn(split, ["all", "rare"], 100, key=7)
    assert len(alone) == 100
    assert rows[:100].tolist() == alone.tolist()  # what was measured before is measured as before
    assert split.labelled("rare")[rows].sum() == expected
    assert len(set(rows.tolist())) == len(rows)


def test_a_limit_below_what_a_head_needs_holds_for_it_too() -> None:
    split = Labels(1000, rare=list(range(990, 1000)))
    assert split.labelled("rare")[_drawn(split, ["all", "rare"], 4, key=7)].sum() == 4
