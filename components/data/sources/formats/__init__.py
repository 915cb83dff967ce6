"""Source files -> records: (split or None, place, {role: raw value}).

A reader knows a file format and nothing of task families. Every complaint names file and row.
"""

from __future__ import annotations

import html
import importlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, expand, place
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.select import label, sample, split_of, wanted
from components.data.sources.offsets import MisplacedError, Tally
from components.data.sources.placing import explained, placed, tally_of
from components.data.sources.record import Numbered, Record, Skipped, Unreadable
from components.errors import BadRowError, UserError, near_miss
from components.settings.columns import Columns
from components.settings.data import Source

HEAD = 1000  # rows in which a column must occur: JSON Lines may leave a key out


@cache
def formats() -> dict[str, Format]:
    """Every format, by its name: those of the modules beside this one that have `FORMATS`."""
    found: dict[str, Format] = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            found |= getattr(
                importlib.import_module(f"components.data.sources.formats.{path.stem}"), "FORMATS", {}
            )
    return found


def rows(path: Path, source: Source) -> Numbered:
    """The rows of one file, numbered, in the source's format; some may be `Skipped`.

    Raises:
        UserError: there is no such format; a file that is not in it.
    """
    places = _Places(path, source, {"text": "text", "spans": "spans"})
    for number, fields in _raw(path, source):
        if not isinstance(fields, Document):
            yield number, fields
            continue
        try:
            yield from ((number, row) for row in expand(place(fields, source), source))
        except BadRowError as error:
            yield number, Unreadable(places.explained(error))


def _raw(path: Path, source: Source) -> Numbered:
    """What the file says, places as they are counted there."""
    known = formats()
    if source.format not in known:
        raise UserError(
            f"source.format: unknown format '{source.format}'{near_miss(source.format, known)}; "
            f"expected one of {', '.join(known)}"
        )
    return known[source.format].read(path, source)


class _Places:
    """Where the spans of a file stand; it is read once more when the first is found misplaced."""

    def __init__(self, path: Path, source: Source, columns: Columns) -> None:
        self.path, self.source, self.columns = path, source, columns

    @cached_property
    def tally(self) -> Tally:
        shown = ((f"row {number}", self._roles(fields)) for number, fields in _raw(self.path, self.source))
        return tally_of(shown, self.source)

    def explained(self, error: BadRowError) -> str:
        """What is wrong with a row; of a misplaced span also how many there are, and what reads them."""
        return explained(error, self.tally, self.path) if isinstance(error, MisplacedError) else str(error)

    def _roles(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return {role: _value(fields, name, self.source) for role, name in self.columns.items()}


def detect(path: Path) -> list[str]:
    """The formats that a file, or a folder, looks like by its beginning, special ones first; tables: none."""
    beginning = Sample.of(path)
    some = [name for name, one in formats().items() if one.looks_like(beginning)]
    return sorted(some, key=lambda name: formats()[name].general)


def read(source: Source, columns: Columns, seed: int | None = None) -> Iterator[Record]:
    """Read the records of a source, its columns renamed to their roles; a list of columns becomes an object.

    With a seed, `source.limit` holds: a sample of each split, chosen by hash, in the source's order.
    Without one every record comes.

    Raises:
        UserError: a file that is missing, empty, not in its encoding or not in its format, or that
            lacks a column; a label that the label map lacks.
    """
    if seed is None or source.limit is None:
        return _records(source, columns)
    return sample(lambda: _records(source, columns), source.limit, seed)


def _records(source: Source, columns: Columns) -> Iterator[Record]:
    """Every record that passes the filter."""
    some, by = False, source.split_column
    for split, path in _files(source):
        empty, places = True, _Places(path, source, columns)
        for number, fields in _checked(path, source, columns):
            empty = False
            at = f"{path}, row {number}"
            if isinstance(fields, Skipped):
                some = True
                yield _set_aside(split, at, fields)
                continue
            if not wanted(fields, source.filter, value_at):
                continue
            some = True
            given = split_of(value_at(fields, by), source, at) if by else split
            values = {role: _value(fields, name, source) for role, name in columns.items()}
            try:
                known = isinstance(fields, Document) and fields.placed
                values = values if known else placed(values, source)
            except BadRowError as error:
                yield Record(given, at, {}, unreadable=places.explained(error))
                continue
            agreement = fields.agreement if isinstance(fields, Document) else None
            yield Record(given, at, label(values, source.label_map, at), agreement=agreement)
        if empty:
            raise UserError(f"{path}: no rows, expected at least one")
    if not some:
        raise UserError(f"{source.path}: no row passes source.filter; see params.yaml")


def _set_aside(split: str | None, at: str, row: Skipped) -> Record:
    if isinstance(row, Unreadable):
        return Record(split, at, {}, unreadable=row.reason)
    return Record(split, at, {}, skipped=row.reason)


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


def _checked(path: Path, source: Source, columns: Columns) -> Numbered:
    """The file's rows, once every column in use is known to be there."""
    if source.format != "huggingface" and not path.exists():
        raise UserError(f"{path}: no such file; see source.path in params.yaml")
    read = rows(path, source)
    head = list(islice(read, HEAD))
    shown = [fields for _, fields in head if not isinstance(fields, Skipped)]
    uses = {name: role for role, names in columns.items() for name in _listed(names)}
    uses |= dict.fromkeys(source.filter, "source.filter")
    uses |= {source.split_column: "source.split_column"} if source.split_column else {}
    for name, use in uses.items():
        if shown and not any(_has(fields, name) for fields in shown):
            known = dict.fromkeys(chain.from_iterable(shown))
            raise UserError(
                f"{path}: no column '{name}' for {use}{near_miss(name, known)}; found {', '.join(known)}"
            )
    return chain(head, read)


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


def _value(fields: Mapping[str, Any], name: str | Sequence[str], source: Source) -> Any:
    if isinstance(name, str):
        return _clean(value_at(fields, name), source)
    return {each: _value(fields, each, source) for each in name}


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


def _clean(value: Any, source: Source) -> Any:
    return html.unescape(value) if source.unescape_html and isinstance(value, str) else value
