"""Rows of traffic -> what detectors look at, and which of them are compared with which.

A release's first texts are the reference, which stays; each later day is a window of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.files import atomic_file
from components.monitoring.detectors.base import Texts
from components.monitoring.traffic.rows import BUCKETS, KEPT
from components.monitoring.traffic.store import days, joined, read, read_file
from components.settings.traffic import Traffic

WATCHED = ("characters", "tokens", "unknown", "script", "language")  # whatever a text is asked
REFERENCES = Path("monitoring/references")
Judged = Mapping[str, Sequence[tuple[date, date]]]  # release -> first and last day of its windows
FIRST_TIME: Judged = {}
MOST = 1000  # rows of a window that are looked at: more would find what does not matter


@dataclass(frozen=True)
class Window:
    """Days that are compared with the reference."""

    first: date
    last: date
    release: str
    reference: pa.Table
    rows: pa.Table


def windows(traffic: Traffic, root: Path, until: date, judged: Judged = FIRST_TIME) -> Iterator[Window]:
    """The windows of every release, oldest first, up to and without the day `until`, which is not over, and
    without the days that were `judged`.

    Raises:
        UserError: a file of traffic is damaged.
    """
    folder = root / traffic.folder
    waits: dict[str, tuple[pa.Table, date]] = {}  # what is not a window yet, and since when
    for day in (day for day in days(folder) if day < until):
        table = read(folder, day, traffic.rows_a_day)
        for release in sorted(set(table["release"].to_pylist())):
            if any(first <= day <= last for first, last in judged.get(release, ())):
                continue
            own = table.filter(pc.equal(table["release"], release))
            reference, rows = _reference(root, release, own, traffic.reference_rows)
            waiting, since = waits.pop(release, (rows.slice(0, 0), day))
            waiting = _joined(waiting, rows)
            if len(waiting) >= traffic.min_rows and len(reference) == traffic.reference_rows:
                yield Window(since, day, release, reference, waiting)
            elif len(waiting):
                waits[release] = waiting, since


def _reference(root: Path, release: str, rows: pa.Table, size: int) -> tuple[pa.Table, pa.Table]:
    """A release's first rows, filled up with these, and those that are left. They are kept in a file of their
    own, without texts, since the days that they are of are removed in time."""
    file = root / REFERENCES / f"{quote(release, safe='')}.parquet"
    known = read_file(file) if file.is_file() else rows.slice(0, 0)
    rows = rows.filter(pc.invert(pc.is_in(rows["id"], known["id"])))
    missing = max(size - len(known), 0)
    if missing and len(rows):
        known = _joined(known, rows.slice(0, missing))
        known = known.select([name for name in known.column_names if name not in KEPT])
        with atomic_file(file) as temporary:
            pq.write_table(known, temporary)
    return known.slice(0, size), rows.slice(missing)


def side_by_side(window: Window) -> tuple[pa.Table, np.ndarray]:
    """The rows of the reference and a sample of the window's, and which are the window's (later_N)."""
    rows = window.rows.sort_by("key").slice(0, MOST)
    both = _joined(window.reference, rows)
    return both, np.arange(len(both)) >= len(window.reference)


def texts(table: pa.Table) -> Texts:
    """The columns that detectors look at."""
    watched = [name for name in table.column_names if name in WATCHED or "." in name]
    said = [name for name in watched if pa.types.is_string(table[name].type)]
    words = {name: _words(table[name]) for name in said}
    numbers = {name: _numbers(table[name]) for name in watched if name not in words}
    sketches = b"".join(table["sketch"].to_pylist())
    return Texts(numbers, words, np.frombuffer(sketches, dtype=np.int8).reshape(len(table), BUCKETS))


def _numbers(column: Any) -> np.ndarray:
    return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")))


def _words(column: Any) -> np.ndarray:
    return np.array(pc.fill_null(column, "").to_pylist(), dtype=object).astype(str)


def _joined(one: pa.Table, other: pa.Table) -> pa.Table:
    return joined([one, other], REFERENCES)
