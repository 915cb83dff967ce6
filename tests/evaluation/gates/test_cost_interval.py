"""The interval of a cost, from numbers: no process is started."""

from __future__ import annotations

import math

import pytest

from components.evaluation.gates.cost import Cost, interval


def test_answers_of_one_process_are_one_measurement() -> None:
    """Three starts of which each is twice as dear as the one before: of one start twenty answers say no more."""
    starts = [[{"model": dear, "champion": 1.0}] * 20 for dear in (1.0, 2.0, 4.0)]
    low, high = interval(0.5, starts, 0.95)
    half = 4.3027 * math.log(2) / math.sqrt(3)  # Student's, of two degrees of freedom
    assert (math.log(low / 0.5), math.log(high / 0.5)) == pytest.approx((-half, half), abs=1e-3)
    assert interval(0.5, [start[:1] for start in starts], 0.95) == pytest.approx([low, high])
    assert interval(0.5, [[{"model": 2.0, "champion": 1.0}]], 0.95) == [0.5, 0.5]  # a size
    assert interval(9.0, starts, 0.95)[1] == 9.0  # what is printed is not outside


def test_one_start_says_nothing_of_others() -> None:
    with pytest.raises(ValueError, match="starts"):
        Cost(starts=1)
