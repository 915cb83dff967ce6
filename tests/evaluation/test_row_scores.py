"""Which metric tells single rows apart, and which rows are the worst."""

from __future__ import annotations

import math

import pytest

from components import families
from components.evaluation.row_scores import ScoredRow, in_order, values, worst_first

REGRESSION = {"options": {}, "minimum": 0.0, "maximum": 5.0, "mean": 2.0, "deviation": 1.0}


def test_a_correlation_is_not_defined_on_one_row_so_the_error_is_asked() -> None:
    family = families.get("regression")
    correlation = next(metric for metric in family.metrics if "pearson" in metric.name)
    rows = [{"score": 1.0}, {"score": 4.0}, {"score": 2.0}]
    said = [{"score": 1.5}, {"score": 1.0}, {"score": 2.0}]
    metrics = in_order(family, REGRESSION, correlation.name)
    assert metrics[0].name == correlation.name
    name, value_N = values(metrics, rows, said, REGRESSION, ["score"])
    assert name == "negative_mae"
    assert list(value_N.argsort()) == [1, 0, 2]  # the largest error is the worst


def test_the_gates_metric_is_taken_where_it_tells_rows_apart() -> None:
    family = families.get("classification")
    facts = {"labels": ["bad", "good"], "options": family.options().model_dump()}
    rows, said = [{"label": "bad"}, {"label": "good"}], [{"label": "bad"}, {"label": "bad"}]
    for gated, asked in (("accuracy", "accuracy"), ("macro_f1", "macro_f1"), ("mcc", "accuracy")):
        name, value_N = values(in_order(family, facts, gated), rows, said, facts, ["label"])
        assert name == asked
        assert value_N[0] > value_N[1]


@pytest.mark.parametrize("unknown", [math.nan])
def test_the_worst_come_first_and_what_is_right_not_at_all(unknown: float) -> None:
    def row(name: str, value: float, right: bool = False) -> ScoredRow:
        return ScoredRow(name, {}, {}, {}, "f1", value, right)

    scored = [row("unknown", unknown), row("half", 0.5), row("right", 0.0, right=True), row("none", 0.0)]
    assert [one.id for one in worst_first(scored)] == ["none", "half", "unknown"]
