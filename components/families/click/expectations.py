"""What numbers beside a text must fulfil."""

# ruff: noqa: N805 (a metric's function is called with its provider's class)

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import ColumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
    column_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
    ColumnMapMetricProvider,
)

from components.families.shared.expectations import by_row


class _FiniteNumbers(ColumnMapMetricProvider):
    condition_metric_name = "column_values.finite_numbers"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **_: Any) -> pd.Series:
        return by_row(are_finite, column)


def are_finite(numbers: Iterable[Mapping[str, Any]]) -> bool:
    """Is every number that is there finite?"""
    return all(number["value"] is None or math.isfinite(number["value"]) for number in numbers)


class ExpectFiniteNumbers(ColumnMapExpectation):
    """The column holds a row's list of named numbers; those that are not missing are finite."""

    map_metric = "column_values.finite_numbers"
