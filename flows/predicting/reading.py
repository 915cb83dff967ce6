"""A file of questions, here or at any address that fsspec knows -> its rows, one after the other.

A row that cannot be read is handed on with the reason, so that nothing is lost.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import IO

from components.data.sources.record import Values, Version
from components.data.sources.remotes.url import complaints
from components.errors import UserError

LONGEST = 10_000_000  # characters of a field; the csv module's own limit is 131,072
BATCH = 1024  # rows of a Parquet file in memory
SEPARATORS = ",;\t|"
ENDINGS = ("csv", "tsv", "jsonl", "parquet")  # each also as .gz but the last


@dataclass
class Record:
    """A row of the file: its fields, and why it cannot be read."""

    number: int  # from 1, the header not counted
    fields: Values = field(default_factory=dict)
    error: str | None = None


@dataclass
class Table:
    """An open file: its columns (of JSON Lines not known), its rows, and the part of it that was read."""

    columns: list[str] | None
    records: Iterator[Record]
    part: Callable[[], float]  # 0 to 1


def ending(address: str) -> str:
    """The format that an address ends in.

    Raises:
        UserError: it is none of those that are read and written.
    """
    name = address.partition("?")[0].lower().removesuffix(".gz")
    found = name.rpartition(".")[2]
    if found == "ndjson":
        return "jsonl"
    if found not in ENDINGS:
        known = ", ".join(f".{known}" for known in ENDINGS)
        raise UserError(f"{address}: unknown kind of file, expected a name that ends in one of {known}")
    return found


def read(address: str, file: IO[bytes], size: int) -> Table:
    """The rows of a file that is open as bytes, of which there are `size`.

    Raises:
        UserError: it is empty, or not of the kind that its name says.
    """
    kind = ending(address)
    if kind == "parquet":
        return _parquet(address, file)
    packed = address.partition("?")[0].lower().endswith(".gz")
    lines = _lines(address, gzip.GzipFile(fileobj=file) if packed else file)

    def part() -> float:
        return file.tell() / max(size, 1)

    if kind == "jsonl":
        return Table(None, _json_lines(lines), part)
    columns, rows = _delimited(address, lines)
    return Table(columns, rows, part)


def _lines(address: str, file: IO[bytes] | gzip.GzipFile) -> Iterator[str]:
    """Lines with their ends. A byte that is not UTF-8 becomes a lone surrogate, which tells its row."""
    try:
        for number, line in enumerate(file):
            text = line.decode("utf-8", "surrogateescape")
            yield text.removeprefix("\ufeff") if number == 0 else text
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{address}: not a whole file of gzip ({error})") from None


def _json_lines(lines: Iterator[str]) -> Iterator[Record]:
    filled = (line for line in lines if line.strip())
    for number, line in enumerate(filled, 1):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield Record(number, error=f"not JSON ({error})")
            continue
        fields = found if isinstance(found, dict) else {"text": found}
        yield Record(number, fields, error=_not_utf8(line))


def _delimited(address: str, lines: Iterator[str]) -> tuple[list[str], Iterator[Record]]:
    """The header, and the rows under it."""
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise UserError(f"{address}: the file is empty, expected a header and rows")
    csv.field_size_limit(LONGEST)
    separator = max(SEPARATORS, key=first.count)
    columns = [name.strip() for name in next(csv.reader([first], delimiter=separator))]
    if twice := next((name for name in columns if columns.count(name) > 1), None):
        raise UserError(f"{address}: two columns are called '{twice}'; rename one")
    if not first.isprintable() and "\x00" in first:
        raise UserError(f"{address}: its first line is no text, expected the names of columns")
    if _not_utf8(first):
        raise UserError(f"{address}: its header has bytes that are not UTF-8; save the file as UTF-8")
    return columns, _under(columns, csv.reader(lines, delimiter=separator))


def _under(columns: list[str], rows: Iterator[list[str]]) -> Iterator[Record]:
    number = 0
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            yield Record(number, error=f"not a row ({error})")
            continue
        if not row:
            continue
        number += 1
        fields = dict(zip(columns, row, strict=False))
        if len(row) != len(columns):
            yield Record(number, fields, f"{len(row)} fields, the header has {len(columns)}")
        else:
            yield Record(number, fields, _not_utf8("".join(row)))


def _not_utf8(text: str) -> str | None:
    return "bytes that are not UTF-8" if any("\udc80" <= sign <= "\udcff" for sign in text) else None


def _parquet(address: str, file: IO[bytes]) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{address}: not a whole Parquet file ({str(error).splitlines()[0]})") from None
    done = 0

    def records() -> Iterator[Record]:
        nonlocal done
        for batch in opened.iter_batches(BATCH):
            for fields in batch.to_pylist():
                done += 1
                yield Record(done, fields)

    return Table(list(opened.schema_arrow.names), records(), lambda: done / max(opened.metadata.num_rows, 1))


def open_table(address: str, stack: ExitStack) -> tuple[Table, Version]:
    """Open the file at an address for as long as the `stack` lasts -> its rows, and its version."""
    import fsspec

    from components.data.sources.remotes.url import version_of

    with complaints(address):
        system, path = fsspec.core.url_to_fs(address)
        version = version_of(system, path)
        file = stack.enter_context(system.open(path, "rb"))
        table = read(address, file, version["size"] or 0)
    return replace(table, records=_read_on(address, table.records)), version


def _read_on(address: str, records: Iterator[Record]) -> Iterator[Record]:
    """The records. What goes wrong while one is read is the file's; what its reader does with it is not."""
    while True:
        with complaints(address):
            record = next(records, None)
        if record is None:
            return
        yield record
