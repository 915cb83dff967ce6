"""Expectations of several families for Great Expectations (pandas engine), and what others are made with.

Each one is a metric provider, which says how a column or a pair of columns is measured, and an
expectation, which is what a suite names. Importing this module imports Great Expectations (seconds).
"""

# ruff: noqa: N805 (a metric's function is called with its provider's class)

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import pandas as pd
from great_expectations.execution_engine import ExecutionEngine, PandasExecutionEngine
from great_expectations.expectations.expectation import (
    ColumnAggregateExpectation,
    ColumnMapExpectation,
    ColumnPairMapExpectation,
)
from great_expectations.expectations.metrics.column_aggregate_metric_provider import (
    ColumnAggregateMetricProvider,
    column_aggregate_value,
)
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)
from great_expectations.expectations.row_conditions import Column, RowConditionType

Json = dict[str, Any]  # as Great Expectations passes settings, metrics and verdicts


class PairExpectation(ColumnPairMapExpectation):
    """Asked of every row, missing values included."""

    ignore_row_if: Literal["neither"] = "neither"

    success_keys: ClassVar[tuple[str, ...]] = ("ignore_row_if", "mostly")


class _ItemsInSet(ColumnMapMetricProvider):
    condition_metric_name = "column_values.items_in_set"
    condition_value_keys = ("value_set",)

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, value_set: list[str], **_: Any) -> pd.Series:
        return by_row(set(value_set).issuperset, column)


class ExpectItemsInSet(ColumnMapExpectation):
    """Every item of a list column is one of `value_set`."""

    value_set: list[str]

    map_metric = "column_values.items_in_set"
    success_keys: ClassVar[tuple[str, ...]] = ("value_set", "mostly")


class _ClassCounts(ColumnAggregateMetricProvider):
    metric_name = "column.class_counts"

    @column_aggregate_value(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **_: Any) -> dict[str, int]:
        """Rows per label, or, of a column of lists, items of each kind; of BIO tags, entities per type."""
        if column.dtype != object:  # labels or outcomes: a million in a moment
            return {str(label): int(count) for label, count in column.value_counts().items()}
        counts: Counter[str] = Counter()
        for value in column:
            begun = [value] if isinstance(value, str) else [item.removeprefix("B-") for item in value]
            counts.update(begun)
        return dict(counts)


class ExpectEveryClassInTraining(ColumnAggregateExpectation):
    """Every class occurs at least `minimum` times in the rows whose `split` is train.

    The column holds labels, or lists of labels or of BIO tags, whose entities count. The observed value is
    {class: count} of the classes that fall short.
    """

    classes: list[str]
    minimum: int = 1
    row_condition: RowConditionType = Column("split") == "train"

    metric_dependencies = ("column.class_counts",)
    success_keys: ClassVar[tuple[str, ...]] = ("classes", "minimum")

    def _validate(
        self,
        metrics: Json,
        runtime_configuration: Json | None = None,
        execution_engine: ExecutionEngine[Any] | None = None,
    ) -> Json:
        return self.judge(metrics["column.class_counts"])

    def judge(self, counts: Mapping[str, int]) -> Json:
        """The verdict on the classes' counts, which can be added up over several frames."""
        short = {name: counts.get(name, 0) for name in self.classes if counts.get(name, 0) < self.minimum}
        details = {"counts": dict(counts)}
        return {"success": not short, "result": {"observed_value": short, "details": details}}


def by_row(sound: Callable[..., bool], *columns: pd.Series) -> pd.Series:
    """Ask the question of every row; a series of bool on the columns' index."""
    answers = [sound(*values) for values in zip(*columns, strict=True)]
    return pd.Series(answers, index=columns[0].index, dtype=bool)
