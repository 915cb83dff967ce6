"""Holm's procedure, by hand."""

from __future__ import annotations

import math

from components.holm import holm


def test_holm_steps_down_like_statsmodels_would() -> None:
    # Holm 1979, by hand: sorted p .01 .02 .03 .20 against .05/4, .05/3, .05/2, .05
    assert holm({"a": 0.01, "b": 0.02, "c": 0.03, "d": 0.2}, 0.05) == {"a"}
    assert holm({"a": 0.01, "b": 0.016, "c": 0.02, "d": 0.2}, 0.05) == {"a", "b", "c"}
    assert holm({"a": 0.02}, 0.05) == {"a"}
    assert holm({}, 0.05) == set()


def test_a_p_value_that_is_no_number_tells_nothing() -> None:
    assert holm({"a": math.nan, "b": 0.04}, 0.05) == {"b"}
