"""Source files -> records: (split or None, place, {role: raw value}).

A reader knows a file format and nothing of task families. Every complaint names file and row.
"""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import UserError, near_miss
from components.settings import Source

MAX_FIELD = 10_000_000  # characters; the csv module's own limit is 131072
Fields = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """One raw row: the split that the source gives it, where it stands, its columns by role."""

    split: str | None
    place: str
    values: Fields


def read(source: Source, columns: dict[str, str]) -> Iterator[Record]:
    """Read every record of a source, its columns renamed to their roles.

    Raises:
        UserError: a file that is missing, empty, not in its encoding or not in its format, or that
            lacks a column.
    """
    reader = READERS[source.format]
    for split, path in _files(source):
        empty = True
        for number, fields in reader(path, source):
            if empty:
                _check_columns(path, columns, fields)
                empty = False
            place = f"{path}, row {number}"
            yield Record(split, place, {role: _clean(fields[name], source) for role, name in columns.items()})
        if empty:
            raise UserError(f"{path}: no rows, expected at least one")


def _files(source: Source) -> list[tuple[str | None, Path]]:
    """The files and their splits; a single train file without a test file is split by us."""
    if not source.files:
        return [(None, Path(source.path))]
    single = list(source.files) == ["train"]
    return [(None if single else split, Path(source.path) / name) for split, name in source.files.items()]


def _check_columns(path: Path, columns: dict[str, str], fields: Fields) -> None:
    for role, name in columns.items():
        if name not in fields:
            raise UserError(
                f"{path}: no column '{name}' for {role}{near_miss(name, fields)}; found {', '.join(fields)}"
            )


def _clean(value: Any, source: Source) -> Any:
    return html.unescape(value) if source.unescape_html and isinstance(value, str) else value


def _lines(path: Path, encoding: str) -> Iterator[str]:
    """A file's lines with their ends; a byte outside the encoding is named."""
    number = 0
    try:
        with path.open(encoding=encoding, newline="") as file:
            for number, line in enumerate(file, 1):  # noqa: B007 the error below reports it
                yield line
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; see source.path in params.yaml") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: byte 0x{error.object[error.start]:02x} after line {number} is not {encoding}; "
            f"set source.encoding in params.yaml to the file's encoding"
        ) from None
    except LookupError:
        raise UserError(
            f"{path}: unknown encoding '{encoding}'{near_miss(encoding, ['utf-8', 'latin-1'])}"
        ) from None


def read_delimited(path: Path, source: Source) -> Iterator[tuple[int, Fields]]:
    """CSV or TSV; every row must have as many fields as the header."""
    csv.field_size_limit(MAX_FIELD)
    delimiter = "\t" if source.format == "tsv" else ","
    rows = csv.reader(
        _lines(path, source.encoding),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if source.quoting else csv.QUOTE_NONE,
        strict=source.quoting,
    )
    header = source.header or _header(path, rows)
    try:
        for skipped, row in enumerate(rows):
            if skipped < source.skip_after_header or not row:
                continue
            if len(row) != len(header):
                raise UserError(
                    f"{path}, row {rows.line_num}: {len(row)} fields, the header has {len(header)}; "
                    f"is a field with a separator or line break unquoted?"
                )
            yield rows.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"{path}, row {rows.line_num}: not valid {source.format} ({error})") from None


def _header(path: Path, rows: Iterable[list[str]]) -> list[str]:
    for row in rows:
        if any(row):
            return [name.removeprefix("\ufeff").strip() for name in row]
    raise UserError(f"{path}: the file is empty, expected a header and rows")


def read_jsonl(path: Path, source: Source) -> Iterator[tuple[int, Fields]]:
    """One JSON object a line."""
    for number, line in enumerate(_lines(path, source.encoding), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise UserError(f"{path}, row {number}: not JSON ({error})") from None
        if not isinstance(fields, dict):
            raise UserError(f"{path}, row {number}: {type(fields).__name__}, expected an object")
        yield number, fields


def read_conll(path: Path, source: Source) -> Iterator[tuple[int, Fields]]:
    """One word a line, blank lines between sentences; columns are numbered "0", "1", ..."""
    words: list[list[str]] = []
    first = 0
    for number, line in enumerate(_lines(path, source.encoding), 1):
        fields = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
        if not any(fields) or fields[0] == "-DOCSTART-":
            if words:
                yield first, _sentence(words)
            words = []
            continue
        if words and len(fields) != len(words[0]):
            raise UserError(
                f"{path}, row {number}: {len(fields)} columns, the sentence's first word has {len(words[0])}"
            )
        first = first if words else number
        words.append(fields)
    if words:
        yield first, _sentence(words)


def _sentence(words: list[list[str]]) -> Fields:
    return {str(column): list(values) for column, values in enumerate(zip(*words, strict=True))}


def read_pair_matrix(path: Path, source: Source) -> Iterator[tuple[int, Fields]]:
    """An upper triangle of scores between the lines of `texts` -> one record for each pair i < j."""
    if source.texts is None:
        raise UserError(f"{path}: format pair_matrix needs source.texts, the file with one text per line")
    texts_file = path.with_name(source.texts)
    texts = [line.strip() for line in _lines(texts_file, source.encoding) if line.strip()]
    rows = [line.split() for line in _lines(path, source.encoding) if line.strip()]
    if len(rows) != len(texts):
        raise UserError(f"{path}: {len(rows)} rows, but {texts_file} has {len(texts)} texts")
    for i, row in enumerate(rows):
        if len(row) != len(texts):
            raise UserError(f"{path}, row {i + 1}: {len(row)} scores, expected {len(texts)}")
        for j in range(i + 1, len(texts)):
            yield i + 1, {"text": texts[i], "text_pair": texts[j], "score": row[j]}


READERS = {
    "csv": read_delimited,
    "tsv": read_delimited,
    "jsonl": read_jsonl,
    "conll": read_conll,
    "pair_matrix": read_pair_matrix,
}
