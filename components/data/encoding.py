"""Text -> tokens, once: data/<task> -> encoded/<task>, Arrow files that are memory-mapped to train."""

from __future__ import annotations

import itertools
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import tasks
from components.data.splits import SPLITS
from components.errors import UserError
from components.files import atomic_folder, read_json
from components.tasks.base import Row


def encode(data: Path, tokenizer_file: Path, target: Path) -> None:
    """Tokenise a task's three splits; a row keeps its `id`, so results lead back to the data.

    Raises:
        UserError: there is no tokenizer.json, or it cannot be read.
    """
    from tokenizers import Tokenizer

    card = read_json(data / "task.json")
    family = tasks.get(card["family"])
    try:
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
    except Exception as error:  # tokenizers raises a bare Exception
        raise UserError(f"{tokenizer_file}: not a fast tokenizer ({error})") from None
    tokenizer.no_padding()
    tokenizer.enable_truncation(card["max_length"])
    with atomic_folder(target) as folder:
        for split in SPLITS:
            table = pq.read_table(data / f"{split}.parquet")
            columns = family.encode(tokenizer, table, card["facts"])
            arrays = {name: _array(name, column, family.target_type) for name, column in columns.items()}
            encoded = pa.table({"id": table["id"].combine_chunks(), **arrays}).combine_chunks()
            with (
                pa.OSFile(str(folder / f"{split}.arrow"), "wb") as file,
                pa.ipc.new_file(file, encoded.schema) as out,
            ):
                out.write_table(encoded)
        shutil.copy(data / "task.json", folder / "task.json")


def _array(name: str, column: list[Any], target_type: pa.DataType) -> pa.Array:
    types = {"input_ids": pa.list_(pa.int32()), "segment_ids": pa.list_(pa.int8()), "target": target_type}
    return pa.array(column, types.get(name))


class EncodedSplit:
    """One split of an encoded task, memory-mapped: rows cost nothing until they are read."""

    def __init__(self, path: Path) -> None:
        self._source = pa.memory_map(str(path))
        self.table = pa.ipc.open_file(self._source).read_all()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def tokens(self) -> np.ndarray:
        """tokens_N: real tokens of every row."""
        return np.diff(self._offsets).astype(np.int64)

    @cached_property
    def lengths(self) -> np.ndarray:
        """lengths_N: tokens of every row's longest sequence."""
        return np.maximum(self._seconds, self.tokens - self._seconds) if self.apart else self.tokens

    @property
    def apart(self) -> bool:
        """Whether a row is two sequences, a pair whose texts the encoder sees one by one."""
        return "second" in self.table.column_names

    def sequences(self, row: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """(input_ids_L, segment_ids_L) of each sequence of a row, without a copy."""
        low, high = int(self._offsets[row]), int(self._offsets[row + 1])
        cuts = [low, low + int(self._seconds[row]), high] if self.apart else [low, high]
        return [(self._ids[a:b], self._segments[a:b]) for a, b in itertools.pairwise(cuts)]

    def target(self, row: int) -> Any:
        return self.table["target"][row].as_py()

    def row(self, row: int) -> Row:
        """Everything that is stored of a row."""
        return {name: self.table[name][row].as_py() for name in self.table.column_names}

    def ids(self) -> list[str]:
        return [str(value) for value in self.table["id"].to_pylist()]

    def _list(self, name: str) -> pa.ListArray:
        return self.table[name].combine_chunks()

    @cached_property
    def _seconds(self) -> np.ndarray:
        """Where a row's second sequence starts."""
        return np.asarray(self.table["second"].to_numpy()).astype(np.int64)

    @cached_property
    def _offsets(self) -> np.ndarray:
        return np.asarray(self._list("input_ids").offsets)  # N + 1

    @cached_property
    def _ids(self) -> np.ndarray:
        return np.asarray(self._list("input_ids").values)

    @cached_property
    def _segments(self) -> np.ndarray:
        return np.asarray(self._list("segment_ids").values)


def card_of(encoded: Path) -> dict[str, Any]:
    """A task's card, as the model's configuration carries it."""
    card = read_json(encoded / "task.json")
    return {key: card[key] for key in ("family", "facts", "max_length", "pair")}
