"""Text files -> numbered rows: CSV, TSV, JSON Lines, and a matrix of scores between texts.

Every reader goes through its file once, line by line, so its size does not matter.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from components import advice
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.packed import opened
from components.data.sources.record import Numbered, Skipped, Unreadable, Values
from components.errors import UserError, near_miss
from components.settings.data import Source
from components.spelling import column_names, trimmed

SIGN = re.compile(r"sep=.?")  # a first line that tells a spreadsheet the separator
NO_TEXT = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"ORC": "an ORC file",
    b"Obj\x01": "an Avro file",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel (xls) or another Office file",
}
ENCODING = (
    "set `encoding` in params.yaml to the file's: cp1252 of most tables that Excel saves in Europe, else "
    "`onetrunk new-task` finds it out"
)
TELLING = 4  # letters of a name that is hardly a value as well
FIRST, LONG = 3, 100_000  # lines that show how fields are quoted, and characters of one that is not looked at
MAX_FIELD = 10_000_000  # characters; the csv module's own limit is 131072
csv.field_size_limit(MAX_FIELD)


class Twice:
    """What stands in the place of a value whose column, or key, is there twice: no telling which is meant."""

    def __repr__(self) -> str:
        return "there twice"


TWICE = Twice()


def lines(path: Path, encoding: str, newline: str = "") -> Iterator[str]:
    """A file's lines with their ends, without a byte order mark; a byte outside the encoding is named.

    Lines end at \\n, \\r\\n and \\r, or at the one end that `newline` is, as `open` takes it.
    """
    try:
        with opened(path) as file:
            for number, line in enumerate(io.TextIOWrapper(file, encoding, newline=newline), 1):
                yield line.removeprefix("\ufeff") if number == 1 else line
    except UnicodeDecodeError as error:
        if name := _no_text(path):
            raise UserError(f"{path}: {name}, which is no text; see `format` in params.yaml") from None
        raise UserError(
            f"{path}{_line_of(path, encoding)}: byte 0x{error.object[error.start]:02x} is not {encoding}; "
            f"{ENCODING}"
        ) from None
    except UnicodeError as error:  # of codecs that do not say at which byte, as UTF-16 without its mark
        raise UserError(f"{path}: is not {encoding} ({error}); {ENCODING}") from None
    except (LookupError, ValueError):
        near = near_miss(encoding, ["utf-8", "latin-1"])
        raise UserError(f"{path}: unknown encoding {encoding!r}{near}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}), expected a file") from None


def _no_text(path: Path) -> str | None:
    """What a file of bytes is, told by the first of them."""
    with path.open("rb") as file:
        start = file.read(8)
    return next((name for mark, name in NO_TEXT.items() if start.startswith(mark)), None)


def _line_of(path: Path, encoding: str) -> str:
    """ ", line N", the first that is not in the encoding; nothing where its lines do not end in a byte."""
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return (
                    ""
                    if encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32"))
                    else f", line {number}"
                )
    return ""


def read_delimited(path: Path, source: Source) -> Numbered:
    """CSV or TSV; every row must have as many fields as the header."""
    separator = _separator(source)
    rows = csv.reader(
        lines(path, source.encoding),
        delimiter=separator,
        skipinitialspace=source.quoting and quotes_behind_blanks(lines(path, source.encoding), separator),
        quoting=csv.QUOTE_MINIMAL if source.quoting else csv.QUOTE_NONE,
        escapechar=source.escape,
        strict=source.quoting,
    )
    try:
        header = source.header or _header(path, rows, source)
        numbered = ((rows.line_num, row) for row in islice(rows, source.skip_after_header, None) if row)
        yield from under_header(numbered, header)
    except csv.Error as error:
        hint = "; if a backslash stands before quotation marks within a value, set `escape: '\\'`"
        said = f"{error}{hint if source.quoting and source.escape is None else ''}"
        raise UserError(f"{path}, row {rows.line_num}: not valid {source.format} ({said})") from None


def _separator(source: Source) -> str:
    return source.separator or ("\t" if source.format == "tsv" else ",")


def quotes_behind_blanks(lines: Iterable[str], separator: str) -> bool:
    """Does a blank stand between separators and quotes, as in "a", "b"? They would be part of the value."""
    field = rf'(?:"(?:[^"]|"")*"|[^"{re.escape(separator)}]*)'
    sign = re.compile(rf'(?:{field}{re.escape(separator)})+? +"(?:[^"]|"")*"\s*(?:{re.escape(separator)}|$)')
    short = (line for line in islice(lines, FIRST) if len(line) < LONG)
    return separator != " " and any(map(sign.match, short))


def under_header(rows: Iterable[tuple[int, Sequence[str | None]]], header: Sequence[str]) -> Numbered:
    """Rows of a table by their columns' names; the header once more, as of files put together, is no row."""
    twice = {name: TWICE for name, count in Counter(header).items() if count > 1}
    names = {name.casefold() for name in header}
    told = len(names) == len(header) > 1 and max(map(len, names)) >= TELLING
    for number, row in rows:
        if len(row) != len(header):
            yield (
                number,
                Unreadable(
                    f"{len(row)} fields, the header has {len(header)}; "
                    f"is a field with a separator or line break unquoted?"
                ),
            )
        elif _is_header(row, header):
            yield number, Skipped("the header once more")
        elif told and (row[0] or "").casefold() in names and {*map(str.casefold, _names(row))} == names:
            yield (
                number,
                Unreadable(
                    f"the header in another order, {column_names(_names(row))}; as the rows below it?"
                ),
            )
        else:
            yield number, {**dict(zip(header, row, strict=True)), **twice}


def _is_header(row: Sequence[str | None], header: Sequence[str]) -> bool:
    """The header itself, or as another file spells it: `TEXT, Label`."""
    first, expected = row[0] or "", header[0].casefold()  # of most rows that is told by the first cell
    same = trimmed(first).casefold() == expected
    return same and [name.casefold() for name in _names(row)] == [name.casefold() for name in header]


def _names(row: Sequence[str | None]) -> list[str]:
    """The cells of a header as names of columns."""
    return [trimmed(name or "") for name in row]


def _header(path: Path, rows: Iterator[list[str]], source: Source) -> list[str]:
    for row in rows:
        if any(row) and not SIGN.fullmatch(row[0]):
            _is_separated(path, row, source)
            return _names(row)
    raise UserError(f"{path}: the file is empty, expected a header and rows")


def _is_separated(path: Path, header: list[str], source: Source) -> None:
    """Refuse a header that is one column and plainly holds several, as the lines below it do, between other
    separators."""
    if len(header) > 1:
        return
    meant = next((mark for mark in ("\t", ";", "|", ",") if mark in header[0]), None)
    if meant in (None, _separator(source)) or not _stands_in_all(path, source.encoding, str(meant)):
        return
    mark = str(meant).replace("\t", "\\t")  # as YAML has it, too
    shown = header[0].replace("\t", " ")
    raise UserError(
        f"{path}: one column, '{shown}'; if these are several, set `separator: \"{mark}\"` beside its path "
        f"in params.yaml"
    )


def _stands_in_all(path: Path, encoding: str, mark: str) -> bool:
    """Does the mark stand in each of the first lines, the header among them?"""
    written = (line for line in lines(path, encoding) if line.strip() and not SIGN.fullmatch(line.strip()))
    return all(mark in line for line in islice(written, 1 + FIRST))


def read_jsonl(path: Path, source: Source) -> Numbered:
    """One JSON object a line."""
    for number, line in enumerate(lines(path, source.encoding), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line.removeprefix("\ufeff"), object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            if line.lstrip().startswith("[") or line.strip() == "{":
                raise UserError(advice.one_document(path)) from None
            yield number, Unreadable(f"not JSON ({error})")
            continue
        if number == 1 and isinstance(fields, list) and all(isinstance(one, dict) for one in fields):
            raise UserError(advice.one_document(path))
        fields = in_columns(fields)
        expected = Unreadable(f"{type(fields).__name__}, expected an object")
        yield number, fields if isinstance(fields, dict) else expected


def in_columns(row: Any) -> Any:
    """A row that is a list of values, as pandas writes it with `orient="values"`, by names that we give."""
    flat = isinstance(row, list) and len(row) > 1 and not any(isinstance(one, list | dict) for one in row)
    return {f"column_{number}": value for number, value in enumerate(row, 1)} if flat else row


class Repeats(Values):
    """An object that is read key by key; of a key that stands twice no value counts."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, TWICE if key in self else value)


def _object(pairs: list[tuple[str, Any]]) -> Values:
    """An object of JSON; of a key that stands twice no value counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        found |= {key: TWICE for key, count in Counter(key for key, _ in pairs).items() if count > 1}
    return found


def read_pair_matrix(path: Path, source: Source) -> Numbered:
    """An upper triangle of scores between the lines of `texts` -> one record for each pair i < j."""
    if source.texts is None:
        raise UserError(f"{path}: format pair_matrix needs source.texts, the file with one text per line")
    texts_file = path.with_name(source.texts)
    if not texts_file.is_file():
        raise UserError(f"{texts_file}: no such file; see source.texts in params.yaml")
    texts = [line.strip() for line in lines(texts_file, source.encoding) if line.strip()]
    number = 0
    for line in lines(path, source.encoding):
        scores = line.split()
        if not scores:
            continue
        number += 1
        if len(scores) != len(texts):
            raise UserError(
                f"{path}, row {number}: {len(scores)} scores, {texts_file} has {len(texts)} texts"
            )
        for other in range(number, len(texts)):
            text, text_pair = texts[number - 1], texts[other]
            yield number, {"text": text, "text_pair": text_pair, "score": scores[other]}
    if number != len(texts):
        raise UserError(f"{path}: {number} rows, but {texts_file} has {len(texts)} texts")


def _is_json_lines(sample: Sample) -> bool:
    return sample.text.lstrip().startswith("{") and bool(sample.objects)


FORMATS = {
    "csv": Format(read_delimited),
    "tsv": Format(read_delimited),
    "jsonl": Format(read_jsonl, _is_json_lines, general=True),
    "pair_matrix": Format(read_pair_matrix),
}
