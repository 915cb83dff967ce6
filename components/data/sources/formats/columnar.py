"""Parquet, Arrow, and a Hugging Face data set's folder -> numbered rows, a batch in memory at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.data.sources.formats.text import Numbered
from components.errors import UserError, near_miss
from components.settings.data import Source

BATCH = 4096  # rows
Named = dict[str, list[str]]  # column of class numbers -> the classes' names


class Columns(dict[str, list[Any]]):
    """A batch's columns as Python values; a column that nobody asks for is never converted."""

    def __init__(self, batch: pa.RecordBatch, path: Path) -> None:
        self.batch, self.path, self.named = batch, path, _named(batch.schema)
        self.names = dict.fromkeys(batch.schema.names)  # asked of each row

    def __missing__(self, name: str) -> list[Any]:
        try:
            values = self.batch.column(name).to_pylist()
        except UnicodeDecodeError:
            raise UserError(f"{self.path}: column '{name}' holds bytes that are not UTF-8") from None
        names = self.named.get(name)
        self[name] = [_name(value, names) for value in values] if names else values
        return self[name]


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


def _name(value: Any, names: list[str]) -> Any:
    """Class numbers -> their names, within lists too; a test's missing label (-1) is none."""
    if isinstance(value, list):
        return [_name(each, names) for each in value]
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else None


def _named(schema: pa.Schema) -> Named:
    """The names of class numbers that the `datasets` library has written beside the schema."""
    about = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    named = {}
    for column, feature in about.get("info", {}).get("features", {}).items():
        inner = feature.get("feature", feature) if isinstance(feature, dict) else {}
        if isinstance(inner, dict) and inner.get("_type") == "ClassLabel":
            named[column] = inner["names"]
    return named


def read_parquet(path: Path, source: Source) -> Numbered:
    """A Parquet file, or every one of a folder."""
    return _rows(_inside(path, "*.parquet"), _parquet_batches, "Parquet")


def read_arrow(path: Path, source: Source) -> Numbered:
    """An Arrow file or stream, or every one of a folder."""
    return _rows(_inside(path, "*.arrow"), _arrow_batches, "Arrow")


def read_dataset(path: Path, source: Source) -> Numbered:
    """A split of a Hugging Face data set's folder: written by `save_to_disk`, or laid out in Parquet.

    A loading script in it is never run.
    """
    files = _split_files(path)
    arrow = files[0].suffix == ".arrow"
    return _rows(files, *((_arrow_batches, "Arrow") if arrow else (_parquet_batches, "Parquet")))


def _inside(path: Path, pattern: str) -> list[Path]:
    files = sorted(path.glob(pattern)) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path}: no file {pattern} in this folder")
    return files


def _split_files(path: Path) -> list[Path]:
    """`FOLDER/SPLIT` -> the files that hold the split."""
    if (path / "state.json").is_file():
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        return [path / file["filename"] for file in state["_data_files"]]
    if files := sorted(path.glob("*.parquet")):
        return files
    folder, split = path.parent, path.name
    candidates = [file for below in (folder, folder / "data") for file in sorted(below.glob("*.parquet"))]
    if files := [file for file in candidates if split in (file.stem, file.stem.split("-")[0])]:
        return files
    whole = path if path.is_dir() else folder
    known = {file.stem.split("-")[0] for file in candidates}
    known |= {file.parent.name for file in [*whole.glob("*/state.json"), *whole.glob("*/*.parquet")]} - {
        "data"
    }
    splits = ", ".join(sorted(known)) or "none (a loading script is never run)"
    raise UserError(
        f"{path}: no split '{split}' of a Hugging Face data set{near_miss(split, known)}; "
        f"found {splits}; name its splits in source.files"
    )


def _rows(files: list[Path], batches: Callable[[Path], Iterator[pa.RecordBatch]], kind: str) -> Numbered:
    number, file = 0, files[0]
    try:
        for file in files:
            for batch in batches(file):
                columns = Columns(batch, file)
                for index in range(batch.num_rows):
                    number += 1
                    yield number, Fields(columns, index)
    except (pa.ArrowException, OSError) as error:
        problem = (str(error) or "empty").splitlines()[0].rstrip(".")
        raise UserError(f"{file}, after row {number}: not a whole {kind} file ({problem})") from None


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(BATCH)


def _arrow_batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(path)) as file:
        magic = file.read(6)
        file.seek(0)
        if magic == b"ARROW1":
            reader = pa.ipc.open_file(file)
            yield from (reader.get_batch(index) for index in range(reader.num_record_batches))
        else:
            yield from pa.ipc.open_stream(file)
