"""One JSON object that is a table, as data frames and others write it -> its rows.

The forms of `pandas.DataFrame.to_json`: `columns` {column: {index: value}}, `index` {index: {column: value}},
`split` {columns, index, data} and `table` {schema, data}; and an object that holds one list of objects, under
whatever name, as {"version": 1, "data": [...]}, or one for each split or class, whose name is a column then;
or texts and what is said of each, {text: class}, without names of columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.data.sources.record import Values

ROWS = (
    *(
        "rows",
        "data",
        "examples",
        "common_examples",
        "items",
        "records",
        "results",
        "utterances",
        "documents",
    ),
    *("entries", "samples", "instances"),
)  # what holds the rows
KEY = "column_1"  # what a name is called that has none: of a row, or a text
SPLITS = {"train", "training", "validation", "valid", "val", "dev", "test", "eval"}
MANY = 10  # names; fewer are those of settings
EXPECTED = "an object that holds one list of objects, or a data frame as pandas writes it"


def rows_of(table: Any) -> Iterator[Values] | None:
    """Its rows; None where it is none of these forms."""
    if not isinstance(table, Mapping) or not table:
        return None
    inner = list(table.values())
    if len(inner) == 1 and (found := rows_of(inner[0])) is not None:
        return found
    held = [value for value in inner if _are_objects(value)]
    named = [table[name] for name in ROWS if _are_objects(table.get(name))]
    if len(held) == 1 or named:
        return (dict(row) for row in (named or held)[0])
    by_name = _by_name(table, inner)
    return _of_columns(table, inner) if by_name is None else by_name


def _by_name(table: Mapping[str, Any], inner: list[Any]) -> Iterator[Values] | None:
    """Rows whose names say of them a split, an index or the text itself; None where the names are columns."""
    if len(inner) > 1 and {name.lower() for name in table} <= SPLITS and all(map(_is_table, inner)):
        return ({"split": name, **row} for name, value in table.items() for row in rows_of(value) or ())
    if len(inner) > 1 and all(map(_are_rows, inner)):
        return ({"split": name, **_fields(row)} for name, rows in table.items() for row in rows)
    if all(isinstance(value, Mapping) for value in inner):
        holding = [value for value in inner if any(map(_are_objects, value.values()))]
        if len(holding) == 1 and len(inner) < MANY:  # beside what is said of it: {"data": {}, "meta": {}}
            return rows_of(holding[0])
        return _of_objects(table)
    if _are_labels(inner):
        return ({KEY: name, "column_2": value} for name, value in table.items())
    return None


def _of_columns(table: Mapping[str, Any], inner: list[Any]) -> Iterator[Values] | None:
    """Columns, each with its values, or their names beside the rows; else what an object within has."""
    columns, data = list(table), inner
    if isinstance(table.get("columns"), list) and isinstance(table.get("data"), list):
        columns, data = _with_index(table)
    elif all(isinstance(value, list) and len(value) == len(inner[0]) for value in inner):
        data = list(zip(*inner, strict=True))
    fits = all(isinstance(row, list | tuple) and len(row) == len(columns) for row in data)
    return (dict(zip(columns, row, strict=True)) for row in data) if fits else rows_of(_within(inner))


def _are_labels(values: list[Any]) -> bool:
    """What is said of each of many texts, which are the names: a class, a number, or several classes."""
    if all(isinstance(value, str | int | float) for value in values):
        return len(values) >= MANY
    if not all(isinstance(value, list) and all(isinstance(one, str) for one in value) for value in values):
        return False
    said = [one for value in values for one in value]
    return len(values) >= MANY and len(values) > max(map(len, values)) and 2 * len({*said}) < len(said)


def _within(inner: list[Any]) -> Any:
    """The only object with rows, as a search answers: {"took": 3, "hits": {"total": 9, "hits": [...]}}."""
    if any(map(_are_objects, inner)) or all(isinstance(value, Mapping | list) for value in inner):
        return None
    objects = [value for value in inner if isinstance(value, Mapping)]
    named = [one for one in objects if any(_are_objects(one.get(name)) for name in ROWS)]
    held = named or [one for one in objects if sum(map(_are_objects, one.values())) == 1]
    return held[0] if len(held) == 1 else None


def _of_objects(table: Mapping[str, Mapping[str, Any]]) -> Iterator[Values]:
    """Columns, each by the index of its rows; or rows, by their index."""
    first, *others = table.values()
    if all(other.keys() == first.keys() for other in others) and all(key.isdigit() for key in first):
        return ({name: column[key] for name, column in table.items()} for key in first)
    if all(key.lstrip("-").isdigit() for key in table):
        return (dict(row) for row in table.values())
    return ({KEY: key, **row} for key, row in table.items())


def _with_index(table: Mapping[str, Any]) -> tuple[list[Any], list[Any]]:
    """Columns and rows of a data frame, with its index where that is of texts."""
    columns, data, index = table["columns"], table["data"], table.get("index", [])
    if len(index) != len(data) or not all(isinstance(key, str) for key in index):
        return columns, data
    return [KEY, *columns], [[key, *row] for key, row in zip(index, data, strict=True)]


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) and rows_of(value) is not None


def _are_rows(value: Any) -> bool:
    """Objects, or lists of as many values each."""
    lists = isinstance(value, list) and all(isinstance(one, list) for one in value)
    return _are_objects(value) or (lists and len(value) > 1 and len(set(map(len, value))) == 1)


def _fields(row: Mapping[str, Any] | list[Any]) -> Values:
    return dict(row) if isinstance(row, Mapping) else {f"column_{n}": value for n, value in enumerate(row, 1)}


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(one, Mapping) for one in value)
