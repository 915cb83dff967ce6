"""Our own expectations for Great Expectations (pandas engine): what its stock cannot ask of text tasks.

Each one is a metric provider, which says how a column or a pair of columns is measured, and an
expectation, which is what a suite names. Importing this module imports Great Expectations (seconds).
"""

# ruff: noqa: N805 (a metric's function is called with its provider's class)

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
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
from great_expectations.expectations.metrics.map_metric_provider.column_pair_condition_partial import (
    column_pair_condition_partial,
)
from great_expectations.expectations.metrics.map_metric_provider.column_pair_map_metric_provider import (
    ColumnPairMapMetricProvider,
)
from great_expectations.expectations.row_conditions import Column, RowConditionType

# --- one value goes with one value ---------------------------------------------------------------


class _OneValueEach(ColumnPairMapMetricProvider):
    condition_metric_name = "column_pair_values.one_value_each"

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, keys: pd.Series, values: pd.Series, **_: Any) -> pd.Series:
        return values.groupby(keys).transform("nunique") == 1


class _PairExpectation(ColumnPairMapExpectation):
    """Asked of every row, missing values included."""

    ignore_row_if: Literal["neither"] = "neither"

    success_keys: ClassVar[tuple[str, ...]] = ("ignore_row_if", "mostly")


class ExpectOneValueEach(_PairExpectation):
    """Each value of column A goes with exactly one value of column B.

    A text with one target has no conflict; a text in one split does not leak into another. Where it
    fails, every row of the value of A is unexpected.
    """

    map_metric = "column_pair_values.one_value_each"


# --- tag sequences -------------------------------------------------------------------------------


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

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, tokens: pd.Series, tags: pd.Series, **_: Any) -> pd.Series:
        return _by_row(is_well_formed, tokens, tags)


class ExpectWellFormedTags(_PairExpectation):
    """Column A holds a row's list of tokens, column B its BIO tags: one per token, no I- that dangles."""

    map_metric = "column_pair_values.well_formed_tags"


class _ItemsInSet(ColumnMapMetricProvider):
    condition_metric_name = "column_values.items_in_set"
    condition_value_keys = ("value_set",)

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, value_set: list[str], **_: Any) -> pd.Series:
        return _by_row(set(value_set).issuperset, column)


class ExpectItemsInSet(ColumnMapExpectation):
    """Every item of a list column is one of `value_set`."""

    value_set: list[str]

    map_metric = "column_values.items_in_set"
    success_keys: ClassVar[tuple[str, ...]] = ("value_set", "mostly")


# --- answers -------------------------------------------------------------------------------------


def answers_stand(context: str, answers: Iterable[dict[str, Any]]) -> bool:
    """Is every answer in the context at its offset?"""
    return all(
        answer["start"] >= 0 and context.startswith(answer["text"], answer["start"]) for answer in answers
    )


class _AnswersInContext(ColumnPairMapMetricProvider):
    condition_metric_name = "column_pair_values.answers_in_context"

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, contexts: pd.Series, answers: pd.Series, **_: Any) -> pd.Series:
        return _by_row(answers_stand, contexts, answers)


class ExpectAnswersInContext(_PairExpectation):
    """Column A holds a context, column B the answers (text and start) to a question about it."""

    map_metric = "column_pair_values.answers_in_context"


# --- classes -------------------------------------------------------------------------------------


class _ClassCounts(ColumnAggregateMetricProvider):
    metric_name = "column.class_counts"

    @column_aggregate_value(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **_: Any) -> dict[str, int]:
        """Rows per label, or, of a column of lists, items of each kind; of BIO tags, entities per type."""
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
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: ExecutionEngine | None = None,
    ) -> dict[str, Any]:
        counts = metrics["column.class_counts"]
        short = {name: counts.get(name, 0) for name in self.classes if counts.get(name, 0) < self.minimum}
        return {"success": not short, "result": {"observed_value": short}}


# --- encoding damage -----------------------------------------------------------------------------


def _misread(encoding: str) -> str:
    """The regular expression of UTF-8 read as `encoding`: a lead byte, then its continuation bytes."""

    def characters(*numbers: int) -> str:
        return f"[{re.escape(bytes(numbers).decode(encoding, 'ignore'))}]"

    following = characters(*range(0x80, 0xC0))
    latin, punctuation, emoji = characters(0xC2, 0xC3), characters(0xE2), characters(0xF0)
    return f"{latin}{following}|{punctuation}{following}{{2}}|{emoji}{following}{{3}}"


# Text that was misread twice follows no table any more. What gives it away is an accented letter
# beside a symbol or a ligature that no language writes there, or a capital inside a word.
_ACCENTED, _SYMBOL = "[À-ÖØ-öø-ÿ]", "[‰÷×¢¥¬±¦¨¸ŒœŸ]"
_MISREAD_TWICE = f"{_ACCENTED}{_SYMBOL}|{_SYMBOL}{_ACCENTED}|[à-öø-ÿ][À-ÖØ-Þ]"
_REPLACED_OR_CONTROL = "[\ufffd\x80-\x9f]"
DAMAGE = re.compile(
    "|".join([_REPLACED_OR_CONTROL, _misread("cp1252"), _misread("mac_roman"), _MISREAD_TWICE])
)


class _UndamagedText(ColumnMapMetricProvider):
    condition_metric_name = "column_values.undamaged_text"

    @column_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column: pd.Series, **_: Any) -> pd.Series:
        return _by_row(lambda text: DAMAGE.search(text) is None, column)


class ExpectUndamagedText(ColumnMapExpectation):
    """Texts without encoding damage: replacement characters, C1 controls, UTF-8 read as another encoding.

    `mostly` is the share of rows that must be sound.
    """

    map_metric = "column_values.undamaged_text"


def _by_row(sound: Callable[..., bool], *columns: pd.Series) -> pd.Series:
    """Ask the question of every row; a series of bool on the columns' index."""
    answers = [sound(*values) for values in zip(*columns, strict=True)]
    return pd.Series(answers, index=columns[0].index, dtype=bool)
