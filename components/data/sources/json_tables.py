"""One JSON object that is a table, as data frames and others write it -> its rows.

The forms of `pandas.DataFrame.to_json`: `columns` {column: {index: value}}, `index` {index: {column: value}},
`split` {columns, index, data} and `table` {schema, data}; and an object that holds one list of objects, under
whatever name, as {"version": 1, "data": [...]}, or one for each split or class, whose name is a column then.
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
    if len(inner) > 1 and all(map(_are_rows, inner)):
        return ({"split": name, **_fields(row)} for name, rows in table.items() for row in rows)
    if all(isinstance(value, Mapping) for value in inner):
        return _of_objects(table)
    columns, data = list(table), inner
    if isinstance(table.get("columns"), list) and isinstance(table.get("data"), list):
        columns, data = table["columns"], table["data"]
    elif all(isinstance(value, list) and len(value) == len(inner[0]) for value in inner):
        data = list(zip(*inner, strict=True))
    fits = all(isinstance(row, list | tuple) and len(row) == len(columns) for row in data)
    return (dict(zip(columns, row, strict=True)) for row in data) if fits else rows_of(_within(inner))


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
    return (dict(row) for row in table.values())


def _are_rows(value: Any) -> bool:
    """Objects, or lists of as many values each."""
    lists = isinstance(value, list) and all(isinstance(one, list) for one in value)
    return _are_objects(value) or (lists and len(value) > 1 and len(set(map(len, value))) == 1)


def _fields(row: Mapping[str, Any] | list[Any]) -> Values:
    return dict(row) if isinstance(row, Mapping) else {f"column_{n}": value for n, value in enumerate(row, 1)}


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(isinstance(one, Mapping) for one in value)
