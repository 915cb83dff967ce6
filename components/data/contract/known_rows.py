"""Which rows a release has learnt from and was tested on, as hashes: a small file beside its model.

A later candidate is compared with the release on test rows of its own day. Whatever stands in the release's
training data must not be among them, and whoever reads the verdict is told how the test set has changed
since. Eight bytes a row tell that without the rows themselves.

Legend: N rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.data.contract.rows import view
from components.errors import UserError
from components.families.base import Family, Row
from components.families.shared.fingerprint import text_key

FILE = "rows.safetensors"
BLOCK = 4096  # rows that are in memory at once
NOT_SAID = ("id", "groups", "difficulty")  # columns of a row that say nothing of what is asked and answered


@dataclass(frozen=True)
class KnownRows:
    """A task's rows as a release knows them."""

    train_N: np.ndarray  # of uint64, sorted: texts that it has learnt from
    test_N: np.ndarray  # of uint64, sorted: whole rows, answers included, that it was tested on


def of_texts(rows: Iterable[Row], family: Family) -> np.ndarray:
    """hash_N of each row's text, which case, punctuation and spacing do not change."""
    return np.array([int(text_key(family.text_of(row))[:16], 16) for row in rows], dtype=np.uint64)


def of_rows(rows: Iterable[Row]) -> np.ndarray:
    """hash_N of each row, the answers of all its heads included."""
    return np.array([_whole(row) for row in rows], dtype=np.uint64)


def _whole(row: Row) -> int:
    said = {key: value for key, value in row.items() if key not in NOT_SAID}
    text = json.dumps(said, sort_keys=True, default=str)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def known_rows(folder: Path, family: Family) -> KnownRows:
    """Of data/<task>; `family` is that of the task's own head."""
    task = folder.name
    return KnownRows(
        train_N=_of_split(
            folder / "train.parquet", lambda rows: of_texts(view(rows, task, task).to_pylist(), family)
        ),
        test_N=test_rows(folder),
    )


def new_rows(folder: Path, family: Family, train_N: np.ndarray) -> np.ndarray:
    """Which training rows of data/<task>, by their numbers, have a text that is not among `train_N`."""
    task = folder.name
    found = _hashes(
        folder / "train.parquet", lambda rows: of_texts(view(rows, task, task).to_pylist(), family)
    )
    return np.flatnonzero(~np.isin(found, train_N))


def test_rows(folder: Path) -> np.ndarray:
    """hash_N, sorted, of the whole test rows of data/<task>."""
    return _of_split(folder / "test.parquet", lambda rows: of_rows(rows.to_pylist()))


def come_and_gone(before_N: np.ndarray, now_N: np.ndarray) -> tuple[int, int]:
    """How many rows have come since, and how many have gone."""
    return int((~np.isin(now_N, before_N)).sum()), int((~np.isin(before_N, now_N)).sum())


def write(file: Path, tasks: Mapping[str, KnownRows]) -> None:
    """Write the hashes of every task."""
    from safetensors.numpy import save_file

    splits = {f"{task}/train": known.train_N for task, known in tasks.items()}
    save_file({**splits, **{f"{task}/test": known.test_N for task, known in tasks.items()}}, file)


def read(file: Path) -> dict[str, KnownRows] | None:
    """Task -> its rows; None where there is no such file, as beside a release of before.

    Raises:
        UserError: it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not file.is_file():
        return None
    try:
        found = load_file(file)
        names = [name.removesuffix("/train") for name in found if name.endswith("/train")]
        return {name: KnownRows(found[f"{name}/train"], found[f"{name}/test"]) for name in names}
    except (SafetensorError, KeyError) as error:
        raise UserError(f"{file}: cannot be read ({error}); put it back from a copy") from None


def _of_split(file: Path, hashes: Callable[[pa.Table], np.ndarray]) -> np.ndarray:
    return np.sort(_hashes(file, hashes))


def _hashes(file: Path, hashes: Callable[[pa.Table], np.ndarray]) -> np.ndarray:
    """Hashes of a split's rows in their order, of which few are in memory at once."""
    batches = pq.ParquetFile(file).iter_batches(BLOCK)
    found = [hashes(pa.Table.from_batches([batch])) for batch in batches]
    return np.concatenate([np.empty(0, np.uint64), *found])
