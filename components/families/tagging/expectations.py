"""What tag sequences must fulfil."""

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


def is_well_formed(tokens: Iterable[str], tags: Iterable[str]) -> bool:
    """Is there one tag per token, each O, B-TYPE, or an I-TYPE that continues its type?"""
    tokens, tags = list(tokens), list(tags)
    legal_after = zip(["O", *tags], tags, strict=False)
    return len(tokens) == len(tags) and all(_may_follow(previous, tag) for previous, tag in legal_after)


def _may_follow(previous: str, tag: str) -> bool:
    prefix, _, kind = tag.partition("-")
    if prefix == "I":
        return bool(kind) and previous in (f"B-{kind}", tag)
    return tag == "O" or (prefix == "B" and bool(kind))


class _WellFormedTags(ColumnPairMapMetricProvider):
    condition_metric_name = "column_pair_values.well_formed_tags"

    @column_pair_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]
    def _pandas(cls, tokens: pd.Series, tags: pd.Series, **_: Any) -> pd.Series:
        return by_row(is_well_formed, tokens, tags)


class ExpectWellFormedTags(PairExpectation):
    """Column A holds a row's list of tokens, column B its BIO tags: one per token, no I- that dangles."""

    map_metric = "column_pair_values.well_formed_tags"
