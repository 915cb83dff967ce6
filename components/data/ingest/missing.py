"""Targets that say that there is none, in a value of their own: a row is taken for one with that answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import yaml

from components.data.contract.rows import column_of
from components.data.ingest.reader import Head, Reader
from components.data.sources import sentinels
from components.data.sources.formats.labels import LABELLED
from components.spelling import plain

if TYPE_CHECKING:
    import polars as pl

Counts = dict[Any, int]  # value -> its rows


def notes(reader: Reader, rows: Path) -> list[str]:
    """A sentence for each head with such values among its targets in `rows`, with what leaves them out."""
    import polars as pl

    return [said for head in reader.heads for said in _of_head(reader, head, pl.scan_parquet(rows))]


def _of_head(reader: Reader, head: Head, rows: pl.LazyFrame) -> Iterator[str]:
    column = column_of(reader.name, head.name, head.first)
    values = rows.select(value=column).drop_nulls()
    kind = head.family.target_schema().field(head.first).type
    found: Counts = {}
    if pa.types.is_string(kind) and head.first in LABELLED:  # free texts may say "-"
        found = _labels(head, values)
    elif pa.types.is_floating(kind):
        found = _numbers(values)
    if found:
        yield _sentence(reader, head, found)


def _labels(head: Head, values: pl.LazyFrame) -> Counts:
    """Those that nobody has declared."""
    counts = _counted(values)
    known = {*(head.labels or ()), *head.label_map.names.values()}
    return {label: counts[label] for label in sentinels.among_labels(counts) if label not in known}


def _numbers(values: pl.LazyFrame) -> Counts:
    import polars as pl

    is_code = pl.col("value").is_in(sentinels.CODES)
    counts = _counted(values.filter(is_code))
    others = values.filter(~is_code).select(low=pl.col("value").min(), high=pl.col("value").max()).collect()
    ends = [end for end in others.row(0) if end is not None]
    return {code: counts[code] for code in sentinels.among_numbers(counts, ends)}


def _counted(values: pl.LazyFrame) -> Counts:
    """In the order of the values: groups come in one of the machine, and the sentence is part of the data."""
    return dict(values.group_by("value").len().sort("value").collect(engine="streaming").iter_rows())


def _sentence(reader: Reader, head: Head, found: Counts) -> str:
    rows = [
        f"{plain(value)} in {count:,} {'row' if count == 1 else 'rows'}" for value, count in found.items()
    ]
    column = head.columns.get(head.first)
    said = f"{' and '.join(rows)} of {head.name if head.name != reader.name else repr(column)}"
    if head.name != reader.name or not isinstance(column, str):
        return f"{said}; of a row without a target the field is empty"
    values = [_written(value) for value in found]
    kept = values[0] if len(values) == 1 else f"[{', '.join(values)}]"
    return f"{said}; `filter: {{{_written(column)}: {{not: {kept}}}}}` below source leaves them out"


def _written(value: Any) -> str:
    """As YAML takes it: `no` and `null` are words in quotes alone."""
    if isinstance(value, float):
        return plain(value)
    bare = value.isidentifier() and yaml.safe_load(value) == value
    return value if bare else json.dumps(value, ensure_ascii=False)
