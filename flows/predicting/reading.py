"""A file of questions -> its rows, one after the other.

A row that cannot be read is handed on with the reason, so that nothing is lost.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from components.data.sources.record import Values
from components.errors import UserError, first_line
from components.nesting import DEEPEST
from components.repeated import distinct, twice_in
from flows.predicting import delimited
from flows.predicting.delimited import Dialect

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

WIDE = {  # marks of encodings that are not UTF-8; the longer first, of which a shorter one is the beginning
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
LONGEST = 10_000_000  # characters of a field; the csv module's own limit is 131,072
LONGEST_LINE = 64_000_000  # bytes, of which more are no longer read: a small file of gzip may hold any number
BATCH = 1024  # rows of a Parquet file in memory
LINE = "line"  # the column of a line of JSON Lines that is not JSON
CLOSE = 'close it, or write it twice ("")'
SAVE = "save the file as UTF-8, as `iconv -f CP1252 -t UTF-8` does with a table of Excel"
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
    name = _name(address)
    found = name.removesuffix(".gz").rpartition(".")[2]
    if found == "parquet" and is_packed(address):
        raise UserError(f"{address}: Parquet is compressed within, expected a name that ends in .parquet")
    if found == "ndjson":
        return "jsonl"
    if found not in ENDINGS:
        known = ", ".join(f".{known}" for known in ENDINGS)
        raise UserError(
            f"{address}: unknown kind of file, expected a name that ends in one of {known}, and all but "
            f".parquet may have .gz behind it"
        )
    return found


def is_packed(address: str) -> bool:
    """Whether the file at an address is, or is to be, compressed by gzip."""
    return _name(address).endswith(".gz")


def _name(address: str) -> str:
    """The end of an address, without a query; of one in several parts, of the first that names a file:
    zip://rows.csv::https://example.com/all.zip, simplecache::s3://box/rows.csv."""
    named = (part.partition("?")[0] if "://" in part else part for part in address.split("::"))
    return next((part for part in named if "." in part), address).lower()


def read(address: str, file: IO[bytes], size: int) -> Table:
    """The rows of a file that is open as bytes, of which there are `size`.

    Raises:
        UserError: it is empty, or not of the kind that its name says.
    """
    kind = ending(address)
    if kind == "parquet":
        return _parquet(address, file)
    content = gzip.GzipFile(fileobj=file) if is_packed(address) else file
    lines = _lines(address, io.BufferedReader(cast("io.RawIOBase", content)))

    def part() -> float:
        return file.tell() / max(size, 1)

    if kind == "jsonl":
        return Table(None, _json_lines(address, lines), part)
    columns, rows = _delimited(address, lines)
    return Table(columns, rows, part)


def _refuse_wide(address: str, line: bytes) -> None:
    for mark, encoding in WIDE.items():
        if line.startswith(mark):
            raise UserError(f"{address}: the file is {encoding}, expected UTF-8; save it as that")


def _lines(address: str, file: io.BufferedReader) -> Iterator[str]:
    """Lines with their ends. A byte that is not UTF-8 becomes a lone surrogate, which tells its row."""
    number = 0
    try:
        while line := file.readline(LONGEST_LINE):
            number += 1
            if number == 1:
                _refuse_wide(address, line)
            if len(line) == LONGEST_LINE:
                raise UserError(f"{address}: line {number:,} has {LONGEST_LINE:,} bytes or more; shorten it")
            text = line.decode("utf-8", "surrogateescape")
            yield text.removeprefix("\ufeff") if number == 1 else text
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{address}: not a whole file of gzip ({error})") from None
    finally:
        with contextlib.suppress(ValueError):  # they have closed it
            file.detach()  # or it would close what others have opened


def _json_lines(address: str, lines: Iterator[str]) -> Iterator[Record]:
    """Of a line that is not JSON the row is its text."""
    filled = (line for line in lines if line.strip())
    for number, line in enumerate(filled, 1):
        if number == 1:
            _check_json_lines(address, line)
        if len(line) > LONGEST:
            yield Record(number, {LINE: line.rstrip("\n")}, f"more than {LONGEST:,} characters")
            continue
        try:
            found = json.loads(line, object_pairs_hook=distinct)
            _check_depth(found)
        except RecursionError:
            yield Record(number, {LINE: line.rstrip("\n")}, "nested too deeply")
        except ValueError as error:
            yield Record(number, {LINE: line.rstrip("\n")}, f"not JSON ({str(error).partition(';')[0]})")
        else:
            fields = found if isinstance(found, dict) else {"text": found}
            yield Record(number, fields, error=_not_utf8(line))


def _check_depth(found: Any) -> None:
    """What can just be read is too deep for whatever writes it again.

    Raises:
        RecursionError: it nests too deep.
    """
    layer: list[Any] = [[found]]
    for _ in range(DEEPEST):
        parts = (each.values() if isinstance(each, dict) else each for each in layer)
        layer = [one for each in parts for one in each if isinstance(one, dict | list)]
        if not layer:
            return
    raise RecursionError


def _check_json_lines(address: str, first: str) -> None:
    """Say that a file is one document: taken by its lines, none of them would be a row."""
    if first.strip() in ("{", "[") or first.lstrip().startswith(("[{", "[ {")):
        raise UserError(
            f"{address}: is one JSON document, expected an object a line (JSON Lines); "
            "`jq -c '.[]'` makes that of a list"
        )


def _delimited(address: str, lines: Iterator[str]) -> tuple[list[str], Iterator[Record]]:
    """The header, and the rows under it."""
    csv.field_size_limit(LONGEST)
    head = delimited.head(_looked_at(address, lines))
    if not head.lines:
        raise UserError(f"{address}: the file is empty, expected a header and rows")
    if head.is_open:
        raise UserError(f"{address}: in its header a quote is opened and not closed; {CLOSE}")
    _check_columns(address, head.names)
    return head.names, _under(address, head.names, head.dialect, head.below)


def _looked_at(address: str, lines: Iterator[str]) -> Iterator[str]:
    """The lines of a table, once the first that is filled is seen to be text in lines."""
    first = next((line for line in lines if line.strip()), "")
    if "\x00" in first:
        raise UserError(f"{address}: its first line is no text, expected the names of columns")
    if "\r" in first.rstrip("\r\n"):
        raise UserError(f"{address}: its lines end in carriage returns alone; save it with line feeds")
    if _not_utf8(first):
        raise UserError(f"{address}: its header has bytes that are not UTF-8; {SAVE}")
    yield first
    yield from lines


def _check_columns(address: str, columns: Sequence[str]) -> None:
    if not columns:
        raise UserError(f"{address}: has no columns")
    if (twice := twice_in(columns)) is not None:
        called = f"are called '{twice}'" if twice else "have no name"
        raise UserError(f"{address}: two columns {called}; rename one")


def _under(address: str, columns: list[str], dialect: Dialect, lines: Iterator[str]) -> Iterator[Record]:
    source = _Remembered(lines)
    rows = dialect.rows(source)
    number = 0
    while True:
        source.row.clear()
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            number += 1
            if len(source.row) > 1:  # the rest of the field would be read as rows
                raise _open_quote(address, number) from None
            yield Record(number, {columns[0]: "".join(source.row)}, f"not a row ({_why(error)})")
            continue
        if not row:
            continue
        number += 1
        if source.ended and dialect.is_open(source.row):
            raise _open_quote(address, number)
        yield _record(number, columns, row, dialect.separator)


def _why(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a field has more than {LONGEST:,} characters"
    return "a carriage return within it" if "new-line" in str(error) else str(error)


class _Remembered:
    """Lines, and those of them that were taken for the row that is read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.row, self.ended = lines, list[str](), False

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.row.append(line)
            yield line
        self.ended = True


def _open_quote(address: str, number: int) -> UserError:
    """For a file whose rows can no longer be told from what is quoted."""
    return UserError(
        f"{address}: row {number}: a quote is opened and not closed within {LONGEST:,} characters; {CLOSE}"
    )


def _record(number: int, columns: list[str], row: list[str], separator: str) -> Record:
    """A row of a table; what it has too much of is kept in its last column."""
    if len(row) == len(columns):
        return Record(number, dict(zip(columns, row, strict=True)), _not_utf8("".join(row)))
    last = len(columns) - 1
    cells = [*row[:last], separator.join(row[last:])] if len(row) > last else row
    fields = dict(zip(columns, cells, strict=False))
    return Record(number, fields, f"{len(row)} fields, the header has {len(columns)}")


def _not_utf8(text: str) -> str | None:
    return f"bytes that are not UTF-8; {SAVE}" if any("\udc80" <= sign <= "\udcff" for sign in text) else None


def _parquet(address: str, file: IO[bytes]) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        opened = pq.ParquetFile(file, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{address}: not a whole Parquet file ({first_line(error)})") from None
    names = list(opened.schema_arrow.names)
    _check_columns(address, names)
    done = 0

    def records() -> Iterator[Record]:
        nonlocal done
        for batch in _batches(address, opened):
            columns = [_values(address, *one) for one in zip(names, batch.columns, strict=True)]
            for row in zip(*columns, strict=True):
                done += 1
                yield Record(done, dict(zip(names, row, strict=True)))

    return Table(names, records(), lambda: done / max(opened.metadata.num_rows, 1))


def _batches(address: str, opened: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows, BATCH at a time; a page that is not what was written, by its checksum, ends them."""
    import pyarrow as pa

    try:
        yield from opened.iter_batches(BATCH)
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is None:  # else it is the disk's, or the network's
            raise UserError(f"{address}: damaged ({first_line(error)})") from None
        raise


def _values(address: str, name: str, column: pa.Array) -> list[Any]:
    """A column of a batch. A moment that Python has none for (its year, its zone, its fractions) is text."""
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except (ArithmeticError, LookupError, ValueError) as error:
        if pa.types.is_timestamp(column.type):  # without its zone: in UTC
            column = column.cast(pa.int64()).cast(pa.timestamp(column.type.unit))
        try:
            return list(column.cast(pa.string()).to_pylist())
        except (pa.ArrowException, ValueError):
            raise UserError(f"{address}: column '{name}' cannot be read ({first_line(error)})") from None
