"""Classes that the splits leave without a training row, and labels outside a declared set.

A model cannot answer a class that no training row has. Where chance has held all of its rows out, as it does
with the first row of a new class, they go to training with all that must not part from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.data.contract.rows import column_of
from components.data.contract.splits import SPLITS
from components.data.ingest.cleaning import FATES, RARE, UNREADABLE
from components.data.ingest.reader import Head, Reader
from components.data.ingest.records import HeldOutClass
from components.errors import UserError, near_miss

if TYPE_CHECKING:
    import polars as pl

CODE = {fate: code for code, fate in enumerate(FATES)}
TRAIN = CODE["train"]
HELD_OUT = (CODE["validation"], CODE["test"])


@dataclass
class Found:
    """What a pass over the rows has found of one head's classes."""

    by_split: dict[int, set[str]] = field(default_factory=lambda: {CODE[split]: set() for split in SPLITS})

    def missing(self, declared: list[str] | None) -> set[str]:
        """Classes of held-out rows that no training row has; of a declared set, its own alone."""
        held = set().union(*(self.by_split[code] for code in HELD_OUT)) - self.by_split[TRAIN]
        return held if declared is None else held & set(declared)

    def unknown(self, declared: list[str] | None) -> set[str]:
        """Classes outside the declared set."""
        return set() if declared is None else set().union(*self.by_split.values()) - set(declared)


def settle(reader: Reader, rows: Path, keys: pl.DataFrame, fate_N: np.ndarray) -> list[HeldOutClass]:
    """Change the fates (`cleaning.FATES`) of rows of classes that no training row has, as `splits.rare` says,
    and, where unreadable rows are dropped, of rows whose label is in no declared set.

    Raises:
        UserError: `splits.rare` is fail, and there is such a class.
    """
    heads = [head for head in reader.heads if head.family.class_column(head.read_options)]
    if reader.task.cleaning.unreadable == "drop":
        unknown = {
            head.name: found.unknown(head.labels) for head, found in _look(reader, heads, rows, fate_N)
        }
        fate_N[_rows_with(reader, heads, rows, fate_N, unknown)[0]] = CODE[UNREADABLE]
    looked = _look(reader, heads, rows, fate_N)
    missing = {head.name: found.missing(head.labels) for head, found in looked}
    if not any(missing.values()):
        return []
    rare_N, counts = _rows_with(reader, heads, rows, fate_N, missing)
    if reader.task.splits.rare == "fail":
        raise UserError(_refusal(reader, rows, int(rare_N[0]), next(iter(counts))))
    before_N = fate_N.copy()
    _move(reader, keys, rare_N, fate_N)
    dropped = _rows_with(reader, heads, rows, np.where(fate_N == CODE[RARE], before_N, CODE[RARE]), missing)[
        1
    ]
    known = {head.name: sorted(found.by_split[TRAIN]) for head, found in looked}
    return [
        HeldOutClass(
            head=head,
            label=label,
            moved=count - dropped[head, label],
            dropped=dropped[head, label],
            hint=near_miss(label, known[head]) if dropped[head, label] else "",
        )
        for (head, label), count in sorted(counts.items())
    ]


def _move(reader: Reader, keys: pl.DataFrame, rare_N: np.ndarray, fate_N: np.ndarray) -> None:
    """Into training, with the rows of their texts and groups; where the source gives a split, out of it."""
    given_N = keys["given"].to_numpy()
    movable = np.isin(fate_N, HELD_OUT) & ~np.isin(given_N, HELD_OUT)
    moved = np.zeros(len(fate_N), dtype=bool)
    moved[rare_N] = movable[rare_N] & (reader.task.splits.rare == "train")
    links = [keys[name].to_numpy() for name in ("key", "low", "high")]
    before = -1
    while before != (before := int(moved.sum())):
        ends = np.concatenate([links[1][moved], links[2][moved]])
        moved |= movable & (
            np.isin(links[0], links[0][moved]) | np.isin(links[1], ends) | np.isin(links[2], ends)
        )
    fate_N[rare_N] = CODE[RARE]
    fate_N[moved] = TRAIN


def _look(reader: Reader, heads: list[Head], rows: Path, fate_N: np.ndarray) -> list[tuple[Head, Found]]:
    """The classes of each head, by split."""
    found = {head.name: Found() for head in heads}
    for head, labels, _, fates in _columns(reader, heads, rows, fate_N):
        for code, seen in found[head.name].by_split.items():
            own = labels.filter(pa.array(fates == code))
            seen.update(head.family.class_of(label) for label in own.unique().drop_null().to_pylist())
    return [(head, found[head.name]) for head in heads]


def _rows_with(
    reader: Reader, heads: list[Head], rows: Path, fate_N: np.ndarray, wanted: Mapping[str, set[str]]
) -> tuple[np.ndarray, Counter[tuple[str, str]]]:
    """The numbers of the rows of some split with one of the wanted classes, and (head, class) -> rows."""
    numbers: list[np.ndarray] = []
    counts: Counter[tuple[str, str]] = Counter()
    for head, labels, number_n, fates in _columns(reader, heads, rows, fate_N):
        if not wanted[head.name]:
            continue
        seen = labels.unique().drop_null().to_pylist()
        names = [label for label in seen if head.family.class_of(label) in wanted[head.name]]
        own = pc.and_(pc.is_in(labels, pa.array(names, labels.type)), pa.array(fates < len(SPLITS)))
        chosen = own.to_numpy(zero_copy_only=False)
        numbers.append(number_n[chosen])
        of_rows = zip(number_n[chosen].tolist(), labels.filter(own).to_pylist(), strict=True)
        counts.update(
            (head.name, label) for _, label in {(n, head.family.class_of(one)) for n, one in of_rows}
        )
    return np.unique(np.concatenate([*numbers, np.array([], dtype=np.int64)])), counts


def _columns(
    reader: Reader, heads: list[Head], rows: Path, fate_N: np.ndarray
) -> Iterator[tuple[Head, pa.Array, np.ndarray, np.ndarray]]:
    """(head, labels, the number of each one's row, its row's fate), batch by batch."""
    start, names = 0, {head.name: column_of_classes(reader, head) for head in heads}
    for batch in pq.ParquetFile(rows).iter_batches(columns=sorted(set(names.values()))):
        for head in heads:
            labels, number_n = batch.column(names[head.name]), np.arange(start, start + len(batch))
            if pa.types.is_list(labels.type):
                number_n = start + pc.list_parent_indices(labels).to_numpy()
                labels = pc.list_flatten(labels)
            yield head, labels, number_n, fate_N[number_n]
        start += len(batch)


def column_of_classes(reader: Reader, head: Head) -> str:
    """What the column of a head's classes is called in the task's files."""
    column = head.family.class_column(head.read_options)
    is_input = column in reader.family.input_schema().names
    return column if is_input else column_of(reader.name, head.name, column)


def _refusal(reader: Reader, rows: Path, number: int, of: tuple[str, str]) -> str:
    place = pq.read_table(rows, columns=["place"])["place"][number].as_py()
    return (
        f"{place}: no training row has the class '{of[1]}' of {of[0]}, since its only rows were split away; "
        f"set tasks.{reader.name}.splits.rare to train or drop, or give it more rows"
    )
