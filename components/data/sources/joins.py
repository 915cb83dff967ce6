"""Rows and a table beside them, as of texts and of their labels, by the name that both give a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document
from components.data.sources.formats.text import TWICE
from components.data.sources.record import Numbered, Skipped, Unreadable, Values, value_at
from components.errors import UserError, near_miss
from components.settings.data import Join, Source
from components.spelling import column_names, is_whole, plain

Read = Callable[[Path, Source], Numbered]
# What says of the rows alone how they are read.
OF_ROWS = (
    "join",
    "files",
    "header",
    "skip_after_header",
    "inline",
    "sentence",
    "file_column",
    "rows",
    "sheet",
)


def joined(rows: Numbered, path: Path, source: Source, join: Join, read: Read) -> Numbered:
    """The rows, each with what the table says of it; one of which it says nothing is set aside.

    Raises:
        UserError: there is no such table, it cannot be read, names a row twice, or none of the rows.
    """
    file = Path(source.path) / join.file if Path(source.path).is_dir() else path.parent / join.file
    if not file.is_file():
        raise UserError(f"{file}: no such file; see source.join in params.yaml")
    alone = source.model_copy(update={name: Source.model_fields[name].get_default() for name in OF_ROWS})
    table = _table(read(file, alone), file, join.key or join.by)
    unnamed, some = Skipped(f"a row of which {file.name} says nothing"), False
    for number, fields in rows:
        beside = None if isinstance(fields, Skipped) else table.get(row_name(value_at(fields, join.by)))
        some = some or beside is not None
        aside = fields if isinstance(fields, Skipped) else unnamed
        yield number, aside if beside is None else _with(fields, beside)
    if not some:
        raise UserError(
            f"{path}: no row's '{join.by}' is in column '{join.key or join.by}' of {file.name}; "
            f"see source.join in params.yaml"
        )


def row_name(value: Any) -> str:
    """What a row is called: 1, "1", 1.0 and "1.0" are one; pandas makes floats where a value is missing."""
    name = plain(value)
    return name.partition(".")[0] if is_whole(name) else name


def _table(rows: Numbered, file: Path, key: str) -> dict[str, Values]:
    """What the table says, by the name of the row."""
    found: dict[str, Values] = {}
    places: dict[str, int] = {}
    columns: Mapping[str, Any] = {}
    for number, fields in _readable(rows, file):
        columns = columns or fields
        name = row_name(value_at(fields, key))
        if not name:
            continue
        own = {column: value for column, value in fields.items() if column != key}
        if found.setdefault(name, own) != own:
            raise UserError(
                f"{file}: '{name:.60}' is in rows {places[name]} and {number} of column '{key}', expected "
                f"one row for each; see source.join in params.yaml"
            )
        places.setdefault(name, number)
    if not found:
        near = near_miss(key, columns.keys() - {key})
        known = column_names(columns) or "no rows"
        raise UserError(f"{file}: no value in column '{key}' for source.join{near}; found {known}")
    return found


def _readable(rows: Numbered, file: Path) -> Numbered:
    """The rows of the table; which text would lack its label, nobody knows of one that is wrong."""
    for number, fields in rows:
        if isinstance(fields, Unreadable):
            raise UserError(f"{file}, row {number}: {fields.reason}; see source.join in params.yaml")
        if not isinstance(fields, Skipped):
            yield number, fields


def _with(fields: Mapping[str, Any], beside: Values) -> Mapping[str, Any]:
    """Of a column that both have, no value counts."""
    columns = {**fields, **{name: TWICE if name in fields else value for name, value in beside.items()}}
    if isinstance(fields, Document):
        return Document(columns, fields.links, fields.agreement, fields.placed)
    return columns
