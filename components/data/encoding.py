"""Text -> tokens, once: data/<task> -> encoded/<task>, Arrow files that are memory-mapped to train."""

from __future__ import annotations

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
            arrays = {"id": table["id"].combine_chunks(), **{name: _array(name, column, family.target_type)
                                                             for name, column in columns.items()}}
            encoded = pa.table(arrays).combine_chunks()
            with pa.OSFile(str(folder / f"{split}.arrow"), "wb") as file, pa.ipc.new_file(file, encoded.schema) as out:
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
    def lengths(self) -> np.ndarray:
        """lengths_N: tokens of every row."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        return np.asarray(self._list("input_ids").value_lengths()).astype(np.int64)

    def tokens(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """(input_ids_L, segment_ids_L) of a row, without a copy."""
        low, high = self._offsets[row], self._offsets[row + 1]
        return self._ids[low:high], self._segments[low:high]

    def target(self, row: int) -> Any:
        return self.table["target"][row].as_py()

    def row(self, row: int) -> Row:
        """Everything that is stored of a row."""
        return {name: self.table[name][row].as_py() for name in self.table.column_names}

    def ids(self) -> list[str]:
        return [str(value) for value in self.table["id"].to_pylist()]

    def _list(self, name: str) -> pa.ListArray:
        column = self.table[name]
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    @cached_property
    def _offsets(self) -> np.ndarray:
        return np.asarray(self._list("input_ids").offsets)

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
