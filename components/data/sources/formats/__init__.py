"""Source files -> records: (split or None, place, {role: raw value}).

A reader knows a file format and nothing of task families. Every complaint names file and row.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, expand, place
from components.data.sources.escapes import unescaped
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.foreign import refuse
from components.data.sources.formats.inline import with_spans
from components.data.sources.formats.labels import LabelMap, Spelled
from components.data.sources.formats.select import Filter, sample, split_of
from components.data.sources.formats.text import TWICE
from components.data.sources.joins import joined
from components.data.sources.numbers import with_a_point, without_unit
from components.data.sources.offsets import MisplacedError, Tally
from components.data.sources.placing import explained, placed, tally_of
from components.data.sources.record import Numbered, Record, Skipped, Unreadable, Values, value_at
from components.data.sources.sentences import grouped, sentence_names
from components.errors import BadRowError, UserError, near_miss
from components.files import is_there, refuse_stream
from components.settings.columns import Columns
from components.settings.data import Source
from components.spelling import column_names, is_blank, is_whole, plain, trimmed

NUMBERS = ("score", "difficulty", "numeric")  # roles whose values may be numbers written as texts
PACKED = (".gz", ".zst", ".bz2", ".xz", ".zip")
EMPTY, FILTER = "without a single value", "source.filter"  # why rows do not count
HEAD = 1000  # rows in which a column must occur: JSON Lines may leave a key out


@cache
def formats() -> dict[str, Format]:
    """Every format, by its name: those of the modules beside this one that have `FORMATS`."""
    found: dict[str, Format] = {}
    for _, name, _ in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        module = importlib.import_module(f"components.data.sources.formats.{name}")
        found |= getattr(module, "FORMATS", {})
    return found


def rows(path: Path, source: Source) -> Numbered:
    """The rows of one file, numbered, in the source's format; some may be `Skipped`.

    Raises:
        UserError: there is no such format; a file that is not in it.
    """
    found = _whole(path, source)
    if source.inline is not None:
        found = with_spans(partial(_whole, path, source), path, source.inline, value_at)
    return grouped(found, source) if source.sentence is not None else found


def _whole(path: Path, source: Source) -> Numbered:
    """The rows with what stands beside them: their file's name, a table."""
    found = _expanded(path, source)
    if source.file_column is not None:
        found = _named(found, path, source.file_column)
    return found if source.join is None else joined(found, path, source, source.join, _expanded)


def _named(rows: Numbered, path: Path, column: str) -> Numbered:
    """The rows with their file's name, without its endings, in a column of its own."""
    name = file_name(path)
    for number, fields in rows:
        if column in fields:
            raise UserError(
                f"{path}: a column '{column}' is there already; call source.file_column otherwise"
            )
        yield number, fields if isinstance(fields, Skipped) else {**fields, column: name}


def file_name(path: Path) -> str:
    """A file's name without its ending, and without that of its packing."""
    return Path(path.stem).stem if path.suffix.lower() in PACKED else path.stem


def _expanded(path: Path, source: Source) -> Numbered:
    """Documents as `source.rows` says, any other row as it is."""
    places = _Places(path, source, {"text": "text", "spans": "spans"})
    for number, fields in _raw(path, source):
        if not isinstance(fields, Document):
            if source.rows != "documents" and not isinstance(fields, Skipped):
                raise UserError(
                    f"{path}: source.rows is {source.rows}, but the format {source.format} has no annotated "
                    f"documents; leave it out"
                )
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
    if path.is_file():
        refuse(path, source.format == "xml")
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
        return {role: _value(fields, name, role, self.source) for role, name in self.columns.items()}


def detect(path: Path) -> list[str]:
    """The formats that a file, or a folder, looks like by its beginning, special ones first; tables: none."""
    beginning = Sample.of(path)
    some = [name for name, one in formats().items() if one.looks_like(beginning)]
    return sorted(some, key=lambda name: formats()[name].general)


def read(source: Source, columns: Columns, seed: int | None = None) -> Iterator[Record]:
    """Read the records of a source that count; those that the file itself sets aside say so.

    Raises:
        UserError: as `read_all`, or a row that cannot be read.
    """
    for record in read_all(source, columns, seed):
        if record.unreadable:
            raise UserError(f"{record.place}: {record.unreadable}")
        if not record.skipped.startswith((EMPTY, FILTER)):
            yield record


def read_all(
    source: Source,
    columns: Columns,
    seed: int | None = None,
    spelled: Spelled = lambda role, value: value,
    notes: list[str] | None = None,
) -> Iterator[Record]:
    """Read the records of a source, its columns renamed to their roles; a list of columns becomes an object.
    Rows that cannot be read, or that the filter leaves out, come with the reason.

    With a seed, `source.limit` holds: a sample of each split, chosen by hash, in the source's order.
    Without one every record comes. `spelled` takes the text of several labels apart, for the label map;
    `notes` takes what is odd in the whole, such as values of the filter that no row has.

    Raises:
        UserError: a file that is missing, empty, not in its encoding or not in its format, or that
            lacks a column.
    """
    labels = LabelMap.of(source, spelled)
    if seed is None or source.limit is None:
        return _records(source, columns, labels, notes)
    return sample(lambda: _records(source, columns, labels, notes), source.limit, seed)


def _records(source: Source, columns: Columns, labels: LabelMap, notes: list[str] | None) -> Iterator[Record]:
    """Every record, those among them that do not count or cannot be read."""
    some, choice = False, Filter(source)
    for split, path in _files(source):
        found, whole = _checked(path, source, columns)
        file, empty = _File(split, path, source, columns, whole, choice, labels), True
        for number, fields in found:
            record = file.record(number, fields)
            empty = empty and record.skipped == EMPTY
            some = some or not record.skipped.startswith((EMPTY, FILTER))
            yield record
        if empty:
            raise UserError(f"{path}: no rows, expected at least one")
    unmatched = choice.unmatched()
    if not some:
        why = f": {'; '.join(unmatched)}" if unmatched else ""
        raise UserError(f"{source.path}: no row passes source.filter{why}; see params.yaml")
    if notes is not None:
        notes[:] = [f"{FILTER}: {clause}" for clause in unmatched]


@dataclass(frozen=True)
class _File:
    """A file of a source, and what makes records of its rows."""

    split: str | None
    path: Path
    source: Source
    columns: Columns
    whole: Collection[str]  # columns whose integers are written as floats
    choice: Filter
    labels: LabelMap

    @cached_property
    def places(self) -> _Places:
        return _Places(self.path, self.source, self.columns)

    def record(self, number: int, fields: Mapping[str, Any]) -> Record:
        """A row by its roles, or why it does not count or cannot be read."""
        record = Record(self.split, f"{self.path}, row {number}", {})
        if isinstance(fields, Skipped):
            return _set_aside(record, fields)
        values = {
            role: _value(fields, name, role, self.source, self.whole) for role, name in self.columns.items()
        }
        typed = self.source.format == "huggingface"  # a null there was put there
        if not typed and all(map(_is_nothing, values.values())) and all(map(_is_nothing, fields.values())):
            return replace(record, skipped=EMPTY)
        try:
            return self._chosen(record, fields, values)
        except BadRowError as error:
            return replace(record, unreadable=self.places.explained(error))

    def _chosen(self, record: Record, fields: Mapping[str, Any], values: Values) -> Record:
        for role, value in values.items():
            if value is TWICE:
                raise BadRowError(f"'{self.columns[role]}' is there twice")
        if column := self.choice.refused_by(fields, value_at):
            return replace(record, values={"text": values.get("text")}, skipped=f"{FILTER}.{column}")
        by = self.source.split_column
        given = split_of(value_at(fields, by), self.source) if by else record.split
        document = fields if isinstance(fields, Document) else None
        found = values if document and document.placed else placed(values, self.source)
        found = unescaped(found) if self.source.unescape_html else found
        agreement = document.agreement if document else None
        return Record(given, record.place, self.labels.rename(found), agreement=agreement)


def _set_aside(record: Record, row: Skipped) -> Record:
    if isinstance(row, Unreadable):
        return replace(record, unreadable=row.reason)
    return replace(record, skipped=row.reason)


def _is_nothing(value: Any) -> bool:
    return all(map(is_blank, value.values())) if isinstance(value, dict) else is_blank(value)


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


def first_file(source: Source) -> Path:
    """One of the source's files: the first of the training ones."""
    return next(_files(source))[1]


def _checked(path: Path, source: Source, columns: Columns) -> tuple[Numbered, set[str]]:
    """The file's rows, once every column in use is known to be there and no other has its name; and the
    columns whose integers pandas has written as floats, 1 as 1.0, since some rows lack them."""
    if source.format != "huggingface" and not is_there("params.yaml: source.path or source.files", path):
        raise UserError(f"{path}: no such file; see source.path in params.yaml")
    refuse_stream(path)
    found = rows(path, source)
    head = list(islice(found, HEAD))
    sound = [fields for _, fields in head if not isinstance(fields, Skipped)]
    uses = {name: role for role, names in columns.items() for name in _listed(names)}
    uses |= dict.fromkeys(source.filter, "source.filter")
    uses |= dict.fromkeys(sentence_names(source), "source.sentence")
    named = {"inline": source.inline, "split_column": source.split_column}
    named |= {"join": source.join.by} if source.join else {}
    uses |= {name: f"source.{use}" for use, name in named.items() if name}
    uses |= dict.fromkeys(source.units, "source.units")
    whole = set()
    for name, use in uses.items():
        if sound and not any(_has(fields, name) for fields in sound):
            known = dict.fromkeys(chain.from_iterable(sound))
            raise UserError(
                f"{path}: no column '{name}' for {use}{near_miss(name, known)}; found {column_names(known)}"
                f"{_relations_hint(sound[0], name)}"
            )
        values = [value_at(fields, name) for fields in sound]
        if values and all(value is TWICE for value in values):
            raise UserError(f"{path}: two columns are called '{name}', which is {use}; rename one of them")
        whole |= {name} if _are_whole(values) else set()
    return chain(head, found), whole


def _are_whole(values: Sequence[Any]) -> bool:
    """Are all that there are whole numbers, written as floats?"""
    given = [value for value in values if not is_blank(value)]
    return bool(given) and all(isinstance(value, str) and is_whole(trimmed(value)) for value in given)


def _relations_hint(fields: Mapping[str, Any], name: str) -> str:
    known = isinstance(fields, Document) and name in ("head", "tail")
    return "; `rows: relations` below source makes a row of each relation" if known else ""


def _has(fields: Mapping[str, Any], name: str) -> bool:
    first, _, rest = name.partition(".")
    if name in fields or not rest or first not in fields:
        return name in fields
    return isinstance(fields[first], Mapping) and _has(fields[first], rest)


def _value(
    fields: Mapping[str, Any],
    name: str | Sequence[str],
    role: str,
    source: Source,
    whole: Collection[str] = (),
) -> Any:
    if not isinstance(name, str):
        return {each: _value(fields, each, role, source, whole) for each in name}
    value = value_at(fields, name)
    if not isinstance(value, str):
        return value
    if name in whole and is_whole(trimmed(value)):
        return plain(float(trimmed(value)))
    if role.rpartition(".")[2] in NUMBERS:
        bare = without_unit(value, source.units[name]) if name in source.units else value
        return with_a_point(bare, source.decimal) if source.decimal else bare
    return value


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
