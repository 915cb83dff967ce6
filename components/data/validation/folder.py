"""A task's folder of the data contract, read in chunks: no split is ever in memory whole."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from components import families
from components.data.contract.cards import TaskCard, task_card
from components.data.contract.excerpt import excerpt
from components.data.contract.rows import column_of
from components.data.contract.splits import SPLITS
from components.data.validation.records import FaultyRow
from components.errors import UserError, first_line
from components.families.base import Facts, Family

CHUNK = 250_000  # rows
SPLIT = pl.Enum(SPLITS)


@dataclass(frozen=True)
class TaskFolder:
    """What ingest wrote of a task. Rows are numbered from the first of training to the last of the test."""

    path: Path
    card: TaskCard
    files: dict[str, pq.ParquetFile]  # by split

    @property
    def name(self) -> str:
        return self.card.task

    @cached_property
    def heads(self) -> dict[str, Family]:
        return {head: families.get(own.family) for head, own in self.card.heads.items()}

    @property
    def family(self) -> Family:
        """The family of the task's own head, which reads the inputs."""
        return self.heads[self.name]

    def facts(self, head: str) -> Facts:
        return self.card.heads[head].facts

    def rows(self) -> dict[str, int]:
        return {split: file.metadata.num_rows for split, file in self.files.items()}

    def target_columns(self, head: str) -> list[str]:
        return [column_of(self.name, head, name) for name in self.heads[head].target_schema().names]

    def schema(self) -> pa.Schema:
        """The columns that every split must have, and their types."""
        targets = [
            (column_of(self.name, head, field.name), field.type)
            for head, family in self.heads.items()
            for field in family.target_schema()
        ]
        groups = ("groups", pa.list_(pa.string()))
        return pa.schema([("id", pa.string()), *self.family.input_schema(), *targets, groups])

    def dtype(self, column: str) -> pl.DataType:
        """The type that a column must have, as polars calls it."""
        return pl.DataFrame(pl.from_arrow(self.schema().empty_table())).schema[column]

    def found_type(self, split: str, column: str) -> pa.DataType | None:
        """The type that a column has in a split, None where it is absent."""
        schema = self.files[split].schema_arrow
        return schema.field(column).type if column in schema.names else None

    def fits_schema(self) -> bool:
        """Can the contents be looked at, in every split?"""
        return all(
            self.found_type(split, field.name) == field.type for split in SPLITS for field in self.schema()
        )

    def chunks(self, columns: Sequence[str] | None = None, size: int = CHUNK) -> Iterator[pl.DataFrame]:
        """The rows in order, with `number` and `split`; at least one chunk, though it may be empty."""
        names = list(columns) if columns is not None else self.schema().names
        held = [_empty(self.schema(), names)]
        number = 0
        for split, file in self.files.items():
            for batch in file.iter_batches(size, columns=names):
                frame = _frame(pa.Table.from_batches([batch]).select(names), split)
                held.append(frame.with_row_index("number", number))
                number += len(frame)
                if sum(map(len, held)) >= size:
                    yield pl.concat(held)
                    held = []
        if held:
            yield pl.concat(held)

    def named(self, numbers: Iterable[int], incomplete: Collection[int] = ()) -> dict[int, FaultyRow]:
        """What a person finds some rows by, by their numbers; rows that are `incomplete` have no text."""
        wanted = set(numbers)
        columns = ["id", *self.family.input_schema().names]
        found: dict[int, FaultyRow] = {}
        for frame in self.chunks(columns) if wanted else ():
            for row in frame.filter(pl.col("number").is_in(wanted)).to_dicts():
                number, split = row["number"], row["split"]
                text = "" if number in incomplete else excerpt(self.family.text_of(row))
                place = number - self._first(split)
                found[number] = FaultyRow(id=row["id"], split=split, row=place, text=text)
        return found

    def _first(self, split: str) -> int:
        """The number of a split's first row."""
        return sum(rows for name, rows in self.rows().items() if SPLITS.index(name) < SPLITS.index(split))

    def ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """The ids of some rows, by their numbers."""
        wanted = set(numbers)
        found: dict[int, str] = {}
        for frame in self.chunks(["id"]) if wanted else ():
            found.update(frame.filter(pl.col("number").is_in(wanted)).select("number", "id").iter_rows())
        return found


def _empty(schema: pa.Schema, names: Sequence[str]) -> pl.DataFrame:
    return _frame(schema.empty_table().select(names), SPLITS[0]).with_row_index("number")


def _frame(table: pa.Table, split: str) -> pl.DataFrame:
    return pl.DataFrame(pl.from_arrow(table)).with_columns(pl.lit(split, SPLIT).alias("split"))


def read_folder(path: Path) -> TaskFolder:
    """Open a folder that ingest wrote.

    Raises:
        UserError: a file is missing or is not what it should be.
    """
    return TaskFolder(path, task_card(path), {split: _open(path / f"{split}.parquet") for split in SPLITS})


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run `onetrunk run` to make it") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({first_line(error)})") from None
