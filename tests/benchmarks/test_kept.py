"""Ways to choose the weights that a run keeps, told by the same moments."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import kept


def moment(step: int, large: float, small: float, test: float) -> dict[str, Any]:
    scores = {"large": large, "small": small}
    validation = {str(rows): scores for rows in kept.ROWS}
    return {"step": step, "validation": validation, "test": {"large": test, "small": test}}


def test_a_head_of_few_rows_decides_the_plain_mean_and_not_the_one_by_rows() -> None:
    found = {
        "moments": [moment(50, 0.70, 0.9, 0.6), moment(100, 0.72, 0.8, 0.7)],
        "average": {"large": 0.65, "small": 0.65},
    }
    ways = dict(kept.ways(found, {"large": 340, "small": 28}))
    assert ways["best mean of 340 rows"] == 0
    assert ways["best mean of 340 rows, by rows"] == pytest.approx(10)
    assert ways["best mean of 80 rows, by rows"] == 0  # 80 * .70 + 28 * .9 > 80 * .72 + 28 * .8
    assert ways["the last"] == pytest.approx(10)
    assert ways["average (0.98)"] == pytest.approx(5)
