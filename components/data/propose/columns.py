"""The columns of the rows that were read, and those that several together make: one-hot, or in a row."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from components.data.propose.profile import HOLDS, Column, Fields, Numbered
from components.data.sources import sentinels
from components.data.sources.numbers import Decimal
from components.data.sources.record import value_at
from components.errors import BadRowError
from components.families.shared.items import read_items, read_literal
from components.spelling import plain

FEWEST_MARKS = 3  # columns that are labels, one-hot
GAPPY, MOST_GAPS = 0.1, 0.7  # share of rows without a value: fewer may be mistakes, with more it is an aside
LISTED = re.compile(r"\s*([\[{(<]|(np\.)?(array|set|frozenset)\()")  # how lists and objects begin
DEEPEST = 4  # objects within each other, as services answer
CHOICES = re.compile(r'\s*\{\s*"choices"\s*:\s*\[')
OURS = "column_"  # begins the names that we give
OFTEN = 5  # a text that occurs more often is a class, rather than a choice of one question
LAST = re.compile(r"((?:.*[^\W\d_])?[ _.]?)(\d{1,2}|(?<![^\W_])[A-Ha-h])")  # of a name: its number or letter


def columns_of(rows: Numbered, of: int = 0, sign: Decimal | None = None) -> list[Column]:
    """The columns of the rows, in their order; fields of nested objects are "outer.inner". `of`: all rows;
    `sign`: of decimals, if it is known."""
    names = dict.fromkeys(name for _, fields in rows for name in _names(fields))
    found = []
    for place, name in enumerate(names):
        values = [value_at(fields, name) for _, fields in rows]
        marks = _unlabelled([value for value in values if not _is_missing(value)])
        at = tuple(
            number
            for number, value in enumerate(values)
            if not _is_missing(value) and plain(value) not in marks
        )
        gaps = sum(map(_is_missing, values)) / max(len(values), 1)
        marks = (*marks, "") if GAPPY <= gaps < MOST_GAPS else marks
        given = parsed([values[number] for number in at])
        if given and name != "labels" and all(map(_is_one, given)):  # `labels` may be several in other rows
            given = [value[0] for value in given]
        found.append(Column(name, given, len(rows), place, at=at, unlabelled=marks, of=of, sign=sign))
    return found


def _unlabelled(values: list[Any]) -> tuple[str, ...]:
    """What a column of classes or numbers plainly says of rows that have none, if it does."""
    if not all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values):
        return ()
    return tuple(sentinels.clear_among_labels(Counter(map(plain, values))))


def _is_missing(value: Any) -> bool:
    """None, an empty text, or what a data frame writes for either."""
    return value is None or (isinstance(value, str) and not value.strip()) or value != value  # noqa: PLR0124


def _names(fields: Fields, outer: str = "") -> Iterable[str]:
    for name, value in fields.items():
        yield f"{outer}{name}"
        if isinstance(value, Mapping) and outer.count(".") < DEEPEST:
            yield from _names(value, f"{outer}{name}.")


def parsed(values: list[Any]) -> list[Any]:
    """Lists and objects that are given as texts, as JSON or Python writes them, read; others as they are."""
    if any(isinstance(value, str) and CHOICES.match(value) for value in values):
        return [_choices(value) for value in values]
    if not all(isinstance(value, str) and LISTED.match(value) for value in values):
        return values
    try:
        return [_listed(read_literal(value)) for value in values]
    except ValueError:
        pass
    try:
        items = [read_items(value) for value in values]
    except BadRowError:
        return values
    return values if any(found is None for found in items) else items


def _listed(value: Any) -> Any:
    """Python's tuples and sets as lists."""
    return (
        sorted(value, key=str) if isinstance(value, set) else [*value] if isinstance(value, tuple) else value
    )


def _is_one(value: Any) -> bool:
    """Is it a list of a single name or number?"""
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], str | int | float)


def _choices(value: Any) -> Any:
    """A cell of Label Studio's table: several choices are an object, and a single one is a text."""
    try:
        return json.loads(value)["choices"]
    except (ValueError, TypeError, KeyError):
        return [value]


def one_hot(columns: list[Column]) -> list[Column]:
    """A column of lists, made of the columns that say of each label whether it holds; none where there are
    fewer than three."""
    outer = tuple(f"{column.name}." for column in columns if column.says_each)
    free = [column for column in columns if not column.name.startswith(outer)] if outer else columns
    marks = [column for column in free if len(column.values) == column.rows and column.is_mark]
    marks = marks if len(marks) >= FEWEST_MARKS else [column for column in free if column.is_cross]
    if len(marks) < FEWEST_MARKS:
        return []
    names = tuple(column.name for column in marks)
    values: list[list[str]] = [[] for _ in range(marks[0].rows)]
    for column in marks:
        for number, value in zip(column.at, column.values, strict=True):
            values[number] += [column.name] if str(value).strip().lower() in HOLDS else []
    return [Column(",".join(names), values, marks[0].rows, marks[0].place, names)]


def numbered(columns: list[Column]) -> list[Column]:
    """A column of lists of texts for each set of columns that differ in a last number or letter alone, as
    ending0 and ending1, or that are called A, B and C."""
    found: dict[tuple[str, bool], list[Column]] = {}
    for column in columns:
        texts = column.values and column.is_text and column.repeats <= OFTEN
        if texts and not column.name.startswith(OURS) and (end := LAST.fullmatch(column.name)):
            found.setdefault((end[1], end[2].isdigit()), []).append(column)
    full = [each for each in found.values() if len(each[0].values) == each[0].rows or len(each) > 2]
    sets = [each for each in full if len(each) > 1]
    return [_side_by_side(each) for each in sets]


def _side_by_side(columns: list[Column]) -> Column:
    names = tuple(column.name for column in columns)
    values = [list(row) for row in zip(*(column.values for column in columns), strict=False)]
    return Column(",".join(names), values, columns[0].rows, columns[0].place, names)
