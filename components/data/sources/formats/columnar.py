"""Parquet, Arrow, and a Hugging Face data set's folder -> numbered rows, a batch in memory at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.data.sources.formats import huggingface
from components.data.sources.formats.base import Format
from components.data.sources.formats.huggingface import Convert
from components.data.sources.formats.text import TWICE
from components.data.sources.record import Numbered
from components.errors import UserError
from components.settings.data import Source

BATCH = 4096  # rows
AVRO_MAP = re.compile(rb'"type"\s*:\s*"map"')
AVRO_SCHEMA = 100_000  # bytes at a file's beginning, in which its schema stands


class Columns(dict[str, list[Any]]):
    """A batch's columns as Python values; a column that nobody asks for is never converted."""

    def __init__(self, batch: pa.RecordBatch | pa.Table, path: Path, made: dict[str, Convert]) -> None:
        self.batch, self.path, self.made = batch, path, made
        self.names = Counter(batch.schema.names)  # asked of each row

    def __missing__(self, name: str) -> list[Any]:
        if self.names[name] > 1:
            return [TWICE] * self.batch.num_rows
        convert = self.made.get(name)
        column = self.batch.column(name)
        try:
            values = (column if convert else _as_text(column)).to_pylist()
        except UnicodeDecodeError:
            raise UserError(f"{self.path}: column '{name}' holds bytes that are not UTF-8") from None
        self[name] = [convert(value) for value in values] if convert else values
        return self[name]


def _as_text(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Texts that their writer has not called texts, as Hive, Impala and older Sparks do; other bytes stay."""
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return column
    try:
        return column.cast(pa.large_string())
    except pa.ArrowInvalid:
        return column


class Fields(Mapping[str, Any]):
    """One row of a batch."""

    def __init__(self, columns: Columns, index: int) -> None:
        self.columns, self.index = columns, index

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self.columns[name][self.index]

    def __contains__(self, name: object) -> bool:
        return name in self.columns.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns.names)

    def __len__(self) -> int:
        return len(self.columns.names)


def read_parquet(path: Path, source: Source) -> Numbered:
    """A Parquet file, or every one of a folder."""
    return _rows(_inside(path, "*.parquet"), _parquet_batches, "Parquet")


def read_arrow(path: Path, source: Source) -> Numbered:
    """An Arrow file or stream, or every one of a folder."""
    return _rows(_inside(path, "*.arrow"), _arrow_batches, "Arrow")


def read_orc(path: Path, source: Source) -> Numbered:
    """An ORC file, or every one of a folder."""
    return _rows(_inside(path, "*.orc"), _orc_batches, "ORC")


def read_avro(path: Path, source: Source) -> Numbered:
    """An Avro file, or every one of a folder."""
    return _rows(_inside(path, "*.avro"), _avro_batches, "Avro")


def read_dataset(path: Path, source: Source) -> Numbered:
    """A split of a data set, by Hugging Face's own library."""
    number = 0
    for table, features in huggingface.tables(path, source, BATCH):
        columns = Columns(table, path, huggingface.converters(features))
        for index in range(table.num_rows):
            number += 1
            yield number, Fields(columns, index)


def _inside(path: Path, pattern: str) -> list[Path]:
    files = sorted(path.glob(pattern)) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path}: no file {pattern} in this folder")
    return files


def _rows(files: list[Path], batches: Callable[[Path], Iterator[pa.RecordBatch]], kind: str) -> Numbered:
    number, file = 0, files[0]
    try:
        for file in files:
            for batch in batches(file):
                columns = Columns(batch, file, _made(batch.schema))
                for index in range(batch.num_rows):
                    number += 1
                    yield number, Fields(columns, index)
    except (pa.ArrowException, OSError) as error:
        problem = (str(error) or "empty").splitlines()[0].rstrip(".")
        raise UserError(f"{file}, after row {number}: not a whole {kind} file ({problem})") from None


def _made(schema: pa.Schema) -> dict[str, Convert]:
    """Class numbers become names where the library `datasets` has written these beside the schema."""
    if b"huggingface" not in (schema.metadata or {}):
        return {}
    from datasets import Features

    return huggingface.converters(Features.from_arrow_schema(schema))


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(BATCH)


def _orc_batches(path: Path) -> Iterator[pa.RecordBatch]:
    from pyarrow import orc

    with path.open("rb") as opened:
        file = orc.ORCFile(opened)
        yield from (file.read_stripe(number) for number in range(file.nstripes))


def _avro_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The file is in memory whole: polars reads it at once, but for maps, at which it would panic."""
    import polars as pl

    with path.open("rb") as file:
        if AVRO_MAP.search(file.read(AVRO_SCHEMA)):
            raise UserError(f"{path}: its schema has a map, which no library here reads; write it as Parquet")
    try:
        yield from pl.read_avro(path).to_arrow().to_batches(BATCH)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise OSError(str(error)) from None


def _arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as file:
        magic = file.read(6)
        file.seek(0)
        if magic == b"ARROW1":
            reader = pa.ipc.open_file(file)
            yield from (reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            yield from pa.ipc.open_stream(file)


FORMATS = {
    "parquet": Format(read_parquet, lambda sample: sample.data.startswith(b"PAR1"), binary=True),
    "arrow": Format(
        read_arrow, lambda sample: sample.data.startswith((b"ARROW1", b"\xff\xff\xff\xff")), binary=True
    ),
    "orc": Format(read_orc, lambda sample: sample.data.startswith(b"ORC"), binary=True),
    "avro": Format(read_avro, lambda sample: sample.data.startswith(b"Obj\x01"), binary=True),
    "huggingface": Format(read_dataset),
}
