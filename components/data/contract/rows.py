"""The rows of the data contract, as each head reads them: the inputs, and the head's own targets.

A task's file holds the inputs once. The targets of the task's own head have their own names; those of
a joint head have the head's name before them ("slots.tags").
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components import families
from components.data.contract.cards import task_card
from components.families.base import Family, Row


def column_of(task: str, head: str, name: str) -> str:
    """What a head's target column, or encoded column, is called in its task's files."""
    return name if head == task else f"{head}.{name}"


def view(table: pa.Table, task: str, head: str) -> pa.Table:
    """The table with the head's own columns under their plain names, and no other head's."""
    places = {name: name.rpartition(".") for name in table.column_names}  # a head's name may have dots
    own = {column: name for name, (owner, _, column) in places.items() if owner == head}
    plain = {name: name for name, (owner, _, _) in places.items() if not owner}
    chosen = plain if head == task else {**plain, **own}
    return pa.table({name: table[source] for name, source in chosen.items()})


def read_rows(folder: Path, split: str, head: str) -> list[Row]:
    """Every row of a split as the head reads it."""
    table = pq.read_table(folder / f"{split}.parquet")
    rows: list[Row] = view(table, folder.name, head).to_pylist()
    return rows


def has_target(table: pa.Table, head: str, task: str, family: Family) -> np.ndarray:
    """has_N: which rows have the head's target, that is, its first column is not null."""
    first = column_of(task, head, family.target_schema().names[0])
    return np.asarray(table[first].is_valid().to_numpy(zero_copy_only=False))


def labelled_rows(folder: Path, split: str, head: str) -> list[Row]:
    """The rows of a split that have the head's target."""
    table = pq.read_table(folder / f"{split}.parquet")
    known = has_target(table, head, folder.name, families.get(task_card(folder).heads[head].family))
    rows: list[Row] = view(table.filter(pa.array(known)), folder.name, head).to_pylist()
    return rows
