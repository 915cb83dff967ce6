"""Source files -> records: (split or None, place, {role: raw value}).

A reader knows a file format and nothing of task families. Every complaint names file and row.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from components.data.sources.formats.columnar import (
    read_arrow,
    read_avro,
    read_dataset,
    read_orc,
    read_parquet,
)
from components.data.sources.formats.labels import LabelMap, Spelled
from components.data.sources.formats.select import Filter, sample, split_of
from components.data.sources.formats.sheets import read_sheet
from components.data.sources.formats.squad import read_squad
from components.data.sources.formats.text import (
    TWICE,
    Numbered,
    read_conll,
    read_delimited,
    read_jsonl,
    read_pair_matrix,
)
from components.data.sources.record import Record
from components.errors import BadRowError, SkippedRowError, UserError, near_miss
from components.settings.columns import Columns
from components.settings.data import Format, Source
from components.spelling import is_blank, is_whole, plain, trimmed

NUMBERS = ("score", "difficulty", "numeric")  # roles whose values may be numbers written as texts
HEAD = 1000  # rows in which a column must occur: JSON Lines may leave a key out
READERS: dict[Format, Callable[[Path, Source], Numbered]] = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "jsonl": read_jsonl,
    "conll": read_conll,
    "pair_matrix": read_pair_matrix,
    "squad": read_squad,
    "parquet": read_parquet,
    "arrow": read_arrow,
    "huggingface": read_dataset,
    "xlsx": read_sheet,
    "xls": read_sheet,
    "ods": read_sheet,
    "avro": read_avro,
    "orc": read_orc,
}


def read(source: Source, columns: Columns, seed: int | None = None) -> Iterator[Record]:
    """Read the records of a source that can be read; `read_all`, and no fault passes.

    Raises:
        UserError: as `read_all`, or a row that cannot be read.
    """
    for record in read_all(source, columns, seed):
        if record.fault is None:
            yield record
        elif not isinstance(record.fault, SkippedRowError):
            raise UserError(f"{record.place}: {record.fault}")


def read_all(
    source: Source,
    columns: Columns,
    seed: int | None = None,
    spelled: Spelled = lambda role, value: value,
    notes: list[str] | None = None,
) -> Iterator[Record]:
    """Read the records of a source, its columns renamed to their roles; a list of columns becomes an object.
    Rows that cannot be read, or that the filter leaves out, come with their `fault`.

    With a seed, `source.limit` holds: a sample of each split, chosen by hash, in the source's order.
    Without one every record comes. `spelled` takes the text of several labels apart, for the label map;
    `notes` takes what is odd in the whole, such as values of the filter that no row has.

    Raises:
        UserError: a file that is missing, empty, not in its encoding or not in its format, or that
            lacks a column.
    """
    labels = LabelMap(source, spelled)
    if seed is None or source.limit is None:
        return _records(source, columns, labels, notes)
    return sample(lambda: _records(source, columns, labels, notes), source.limit, seed)


def _records(source: Source, columns: Columns, labels: LabelMap, notes: list[str] | None) -> Iterator[Record]:
    """Every record, those at fault among them."""
    some, choice = False, Filter(source)
    for split, path in _files(source):
        empty = True
        rows, whole = _checked(path, source, columns)
        for number, fields in rows:
            record = _record(split, f"{path}, row {number}", fields, source, columns, whole)
            if record.fault is None and isinstance(fields, Mapping):
                record = _chosen(record, fields, source, choice, labels)
            empty = empty and isinstance(record.fault, SkippedRowError) and record.values == {}
            some = some or not isinstance(record.fault, SkippedRowError)
            yield record
        if empty:
            raise UserError(f"{path}: no rows, expected at least one")
    unmatched = choice.unmatched()
    if not some:
        why = f": {'; '.join(unmatched)}" if unmatched else ""
        raise UserError(f"{source.path}: no row passes source.filter{why}; see params.yaml")
    if notes is not None:
        notes[:] = [f"source.filter: {clause}" for clause in unmatched]


def _record(
    split: str | None,
    place: str,
    fields: Mapping[str, Any] | BadRowError,
    source: Source,
    columns: Columns,
    whole: Collection[str],
) -> Record:
    """The row by its roles; at fault where it cannot be read, or holds nothing."""
    if isinstance(fields, BadRowError):
        return Record(split, place, {}, fields)
    values = {role: _value(fields, name, role, source, whole) for role, name in columns.items()}
    typed = source.format == "huggingface"  # a null there was put there
    if not typed and all(map(_is_nothing, values.values())) and all(map(_is_nothing, fields.values())):
        return Record(split, place, {}, SkippedRowError("without a single value"))
    twice = next((columns[role] for role, value in values.items() if value is TWICE), None)
    return Record(split, place, values, BadRowError(f"'{twice}' is there twice") if twice else None)


def _is_nothing(value: Any) -> bool:
    return all(map(is_blank, value.values())) if isinstance(value, dict) else is_blank(value)


def _chosen(
    record: Record, fields: Mapping[str, Any], source: Source, choice: Filter, labels: LabelMap
) -> Record:
    """The record with its split and its labels, or with the reason for which it does not count."""
    try:
        if column := choice.refused_by(fields, value_at):
            raise SkippedRowError(f"source.filter.{column}")
        by = source.split_column
        given = split_of(value_at(fields, by), source) if by else record.split
        return Record(given, record.place, labels.rename(record.values))
    except BadRowError as fault:
        return replace(record, fault=fault)


def rows_of(path: Path, source: Source) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """A file's rows as they stand, with their numbers.

    Raises:
        UserError: as `read_all`, or a row that cannot be read.
    """
    for number, fields in READERS[source.format](path, source):
        if isinstance(fields, Mapping):
            yield number, fields
        elif not isinstance(fields, SkippedRowError):
            raise UserError(f"{path}, row {number}: {fields}")


def _files(source: Source) -> Iterator[tuple[str | None, Path]]:
    """The files and their splits; a single train file without a test file is split by us."""
    if not source.files:
        yield None, Path(source.path)
    single = list(source.files) == ["train"]
    for split, name in source.files.items():
        pattern = "*" in name
        paths = sorted(Path(source.path).glob(name)) if pattern else [Path(source.path) / name]
        if not paths:
            raise UserError(f"{source.path}: no file fits '{name}'; see source.files in params.yaml")
        for path in paths:
            yield None if single else split, path


def _checked(path: Path, source: Source, columns: Columns) -> tuple[Numbered, set[str]]:
    """The file's rows, once every column in use is known to be there and no other has its name; and the
    columns whose integers pandas has written as floats, 1 as 1.0, since some rows lack them."""
    if source.format != "huggingface" and not path.exists():
        raise UserError(f"{path}: no such file; see source.path in params.yaml")
    rows = READERS[source.format](path, source)
    head = list(islice(rows, HEAD))
    sound = [fields for _, fields in head if isinstance(fields, Mapping)]
    uses = {name: role for role, names in columns.items() for name in _listed(names)}
    uses |= dict.fromkeys(source.filter, "source.filter")
    uses |= {source.split_column: "source.split_column"} if source.split_column else {}
    whole = set()
    for name, use in uses.items():
        if sound and not any(_has(fields, name) for fields in sound):
            known = dict.fromkeys(chain.from_iterable(sound))
            raise UserError(
                f"{path}: no column '{name}' for {use}{near_miss(name, known)}; found {', '.join(known)}"
            )
        values = [value_at(fields, name) for fields in sound]
        if values and all(value is TWICE for value in values):
            raise UserError(f"{path}: two columns are called '{name}', which is {use}; rename one of them")
        whole |= {name} if _are_whole(values) else set()
    return chain(head, rows), whole


def _are_whole(values: Sequence[Any]) -> bool:
    """Are all that there are whole numbers, written as floats?"""
    given = [value for value in values if not is_blank(value)]
    return bool(given) and all(isinstance(value, str) and is_whole(trimmed(value)) for value in given)


def _has(fields: Mapping[str, Any], name: str) -> bool:
    first, _, rest = name.partition(".")
    if name in fields or not rest or first not in fields:
        return name in fields
    return isinstance(fields[first], Mapping) and _has(fields[first], rest)


def value_at(fields: Mapping[str, Any], name: str) -> Any:
    """The column's value; "a.b" is field b of the object in a. None where this row has none."""
    if name in fields:
        return fields[name]
    first, _, rest = name.partition(".")
    inner = fields.get(first) if rest else None
    return value_at(inner, rest) if isinstance(inner, Mapping) else None


def _value(
    fields: Mapping[str, Any], name: str | Sequence[str], role: str, source: Source, whole: Collection[str]
) -> Any:
    if not isinstance(name, str):
        return {each: _value(fields, each, role, source, whole) for each in name}
    value = value_at(fields, name)
    if not isinstance(value, str):
        return value
    if name in whole and is_whole(trimmed(value)):
        return plain(float(trimmed(value)))
    if source.decimal and role.rpartition(".")[2] in NUMBERS:
        return _with_a_point(value, source.decimal)
    return html.unescape(value) if source.unescape_html else value


def _with_a_point(value: str, decimal: str) -> str:
    """A number with a point as its decimal sign and nothing between thousands."""
    thousands = "." if decimal == "," else ","
    return re.sub(rf"[\s{re.escape(thousands)}'’]", "", value).replace(decimal, ".")


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
