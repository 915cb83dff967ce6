"""What choices and the number of the right one must fulfil."""

# ruff: noqa: N805 (a metric's function is called with its provider's class)

from __future__ import annotations

from typing import Any, ClassVar

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import (
    column_pair_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_map_metric_provider import (
    ColumnPairMapMetricProvider,
)

from components.families.shared.expectations import PairExpectation, by_row


class _NumberOfItem(ColumnPairMapMetricProvider):
    condition_metric_name = "column_pair_values.number_of_item"
    condition_value_keys = ("fewest", "most")

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, items: pd.Series, numbers: pd.Series, fewest: int, most: int, **_: Any) -> pd.Series:
        return by_row(
            lambda of_row, number: fewest <= len(of_row) <= most and 0 <= number < len(of_row), items, numbers
        )


class ExpectNumberOfItem(PairExpectation):
    """Column A holds a list of `fewest` to `most` items, column B the number of one of them, from 0."""

    fewest: int
    most: int

    map_metric = "column_pair_values.number_of_item"
    success_keys: ClassVar[tuple[str, ...]] = ("fewest", "most", "ignore_row_if", "mostly")
