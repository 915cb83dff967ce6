"""What answers in a context must fulfil."""

# ruff: noqa: N805 (a metric's function is called with its provider's class)

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import (
    column_pair_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_map_metric_provider import (
    ColumnPairMapMetricProvider,
)

from components.families.shared.expectations import PairExpectation, by_row
from components.families.span.answers import Answer


def answers_stand(context: str, answers: Iterable[Answer]) -> bool:
    """Is every answer in the context at its offset?"""
    return all(
        answer["start"] >= 0 and context.startswith(answer["text"], answer["start"]) for answer in answers
    )


class _AnswersInContext(ColumnPairMapMetricProvider):
    condition_metric_name = "column_pair_values.answers_in_context"

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, contexts: pd.Series, answers: pd.Series, **_: Any) -> pd.Series:
        return by_row(answers_stand, contexts, answers)


class ExpectAnswersInContext(PairExpectation):
    """Column A holds a context, column B the answers (text and start) to a question about it."""

    map_metric = "column_pair_values.answers_in_context"
