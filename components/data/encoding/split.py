"""The tokens of a task as its stages read them: encoded/<task>, memory-mapped."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from components.data.contract.cards import HeadCard, task_card
from components.data.contract.rows import column_of

Tokens = tuple[np.ndarray, np.ndarray]  # input_ids_L, segment_ids_L


def cards_of(encoded: Path) -> dict[str, HeadCard]:
    """The cards of a task's heads, by name, as the model's configuration carries them."""
    return task_card(encoded).head_cards()


def candidates_file(head: str) -> str:
    """The name, in an encoded task's folder, of the rows that a head's answers are chosen from."""
    return f"candidates.{head}.arrow"


class _Batch(NamedTuple):
    """The tokens of one record batch, as they lie in the file; n rows, T tokens, S sequences."""

    offsets: np.ndarray  # n + 1: where each row starts in ...
    ids: np.ndarray  # ... T
    segments: np.ndarray  # T
    edges: np.ndarray  # S + 1: where each sequence starts in ids, and the end
    firsts: np.ndarray  # n + 1: the number of each row's first sequence


class EncodedSplit:
    """One split of an encoded task, memory-mapped: rows cost nothing until they are read.

    A head is named as in the settings; without a name, the task's own is meant.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.task = path.parent.name
        self._source = pa.memory_map(str(path))
        self.table = pa.ipc.open_file(self._source).read_all()
        self._labelled: dict[str, np.ndarray] = {}
        self._columns: dict[str, list[pa.Array]] = {}

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def tokens(self) -> np.ndarray:
        """tokens_N: real tokens of every row."""
        return _concatenated([np.diff(batch.offsets) for batch in self._batches])

    @cached_property
    def lengths(self) -> np.ndarray:
        """lengths_N: tokens of every row's longest sequence."""
        if not self.several:
            return self.tokens
        return _concatenated(
            [np.maximum.reduceat(np.diff(batch.edges), batch.firsts[:-1]) for batch in self._batches]
        )

    def count(self, token: int) -> int:
        """How many of all tokens are this one."""
        return sum(int((batch.ids == token).sum()) for batch in self._batches)

    def difficulty(self, by: str) -> np.ndarray:
        """difficulty_N: how hard every row is, by its `length` or by the task's column `difficulty`."""
        return self.lengths if by == "length" else np.asarray(self.table["difficulty"].to_numpy())

    @cached_property
    def several(self) -> bool:
        """Whether a row is several sequences: texts that the encoder sees one by one, or windows."""
        return "cuts" in self.table.column_names

    def sequences(self, row: int) -> list[Tokens]:
        """(input_ids_L, segment_ids_L) of each sequence of a row, without a copy."""
        number, place = divmod(int(row), self._batch_rows)
        batch = self._batches[number]
        edges = batch.edges[batch.firsts[place] : batch.firsts[place + 1] + 1]
        return [(batch.ids[a:b], batch.segments[a:b]) for a, b in itertools.pairwise(edges.tolist())]

    def gather(self, rows: Sequence[int] | np.ndarray) -> list[Sequence[Tokens]]:
        """`sequences` of many rows; where each row is one sequence it takes a quarter of the time."""
        if self.several:
            return [self.sequences(row) for row in rows]
        words, octets, begins = self._flat
        numbers = np.asarray(rows, dtype=np.int64)
        of_batch = begins.take(numbers // self._batch_rows, 1)
        first = of_batch[1:] + words.take(of_batch[0] + numbers)
        last = first + self.tokens.take(numbers)
        # Lists and plain slices: of 64 rows, numpy's own calls would be most of the time.
        spans = zip(*first.tolist(), *last.tolist(), strict=True)
        return [((words[a:b], octets[c:d]),) for a, c, b, d in spans]

    @cached_property
    def _flat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The whole file as int32 and as int8, and where in it each record batch's offsets and ids (in the
        first) and segments (in the second) begin: begins_3b; the offsets as if they went on from row 0."""
        self._source.seek(0)
        octets = np.frombuffer(self._source.read_buffer(), np.int8)
        origin, size = octets.ctypes.data, len(octets) // 4 * 4
        begins = np.array(
            [
                [
                    (array.ctypes.data - origin) // array.itemsize
                    for array in (batch.offsets, batch.ids, batch.segments)
                ]
                for batch in self._batches
            ]
        ).T
        begins[0] -= np.arange(len(self._batches)) * self._batch_rows
        return octets[:size].view(np.int32), octets, begins.copy()

    def target(self, row: int, head: str | None = None) -> Any:
        """The encoded target, None where the row has none."""
        return self._value("target", row, head)

    def extra_inputs(self, row: int, head: str | None = None) -> list[int] | list[float] | None:
        """What the head is given besides the states, None where it is given nothing."""
        value: list[int] | list[float] | None = self._value("extra", row, head)
        return value

    def layout(self, row: int, head: str | None = None) -> Any:
        """What decoding needs, None where the family needs nothing."""
        return self._value("layout", row, head)

    def labelled(self, head: str | None = None) -> np.ndarray:
        """labelled_N: has the row the head's target?"""
        column = self._column("target", head)
        if column not in self._labelled:  # asked in every step
            self._labelled[column] = np.asarray(self.table[column].is_valid().to_numpy())
        return self._labelled[column]

    @cached_property
    def repeats(self) -> bool:
        """Do rows hold the same sequences again and again: candidates that some head chooses among?"""
        return any(self.path.parent.glob(candidates_file("*")))

    def candidates(self, head: str) -> EncodedSplit | None:
        """What the head's answers are chosen from, None where they are no choice among rows."""
        path = self.path.with_name(candidates_file(head))
        return EncodedSplit(path) if path.exists() else None

    def ids(self) -> list[str]:
        """The rows' ids."""
        return [str(value) for value in self.table["id"].to_pylist()]

    def _column(self, name: str, head: str | None) -> str:
        return column_of(self.task, head or self.task, name)

    def _value(self, name: str, row: int, head: str | None) -> Any:
        number, place = divmod(int(row), self._batch_rows)
        chunks = self._chunks(self._column(name, head))
        return chunks[number][place].as_py() if chunks else None

    def _chunks(self, column: str) -> list[pa.Array]:
        """A column's record batches; looking one up in the table took ten times as long as its value."""
        if column not in self._columns:
            known = column in self.table.column_names
            self._columns[column] = self.table[column].chunks if known else []
        return self._columns[column]

    @cached_property
    def _batch_rows(self) -> int:
        """Rows of a record batch; only the last has fewer."""
        return self._batches[0].offsets.size - 1

    @cached_property
    def _batches(self) -> list[_Batch]:
        return [_read(batch, self.several) for batch in self.table.to_batches()]


def _read(batch: pa.RecordBatch, several: bool) -> _Batch:
    ids, segments = batch["input_ids"], batch["segment_ids"]
    offsets = np.asarray(ids.offsets)
    edges, firsts = offsets, np.arange(len(offsets))
    if several:
        firsts = np.asarray(batch["cuts"].offsets)
        starts = np.repeat(offsets[:-1], np.diff(firsts)) + np.asarray(batch["cuts"].values)
        edges = np.append(starts, offsets[-1])
    return _Batch(offsets, np.asarray(ids.values), np.asarray(segments.values), edges, firsts)


def _concatenated(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)
