"""Rows of traffic -> what detectors look at, and which of them are compared with which.

A release's first texts are the reference; each later day is a window of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.keyed import derive_seed
from components.monitoring.detectors.base import Texts
from components.monitoring.shift import Verdict, judge
from components.monitoring.traffic.rows import BUCKETS
from components.monitoring.traffic.store import OWN, days, read
from components.settings.traffic import Traffic

WATCHED = ("characters", "tokens", "unknown")  # numbers that are of a text, whatever it is asked
MOST = 1000  # rows of a window that are looked at: more would find what does not matter


@dataclass(frozen=True)
class Window:
    """Days that are compared with the reference."""

    first: date
    last: date
    release: str
    reference: pa.Table
    rows: pa.Table


def windows(traffic: Traffic, root: Path, until: date) -> Iterator[Window]:
    """The windows of every release, oldest first, up to and without the day `until`, which is not over.

    Raises:
        UserError: a file of traffic is damaged.
    """
    folder = root / traffic.folder
    releases: dict[str, tuple[pa.Table, pa.Table, date | None]] = {}  # reference, what waits, and since when
    for day in (day for day in days(folder) if day < until):
        table = read(folder, day, traffic.rows_a_day)
        for release in sorted(set(table["release"].to_pylist())):
            rows = table.filter(pc.equal(table["release"], release))
            reference, waiting, since = releases.get(release, (rows.slice(0, 0), rows.slice(0, 0), None))
            missing = max(traffic.reference_rows - len(reference), 0)
            reference, more = _joined(reference, rows.slice(0, missing)), rows.slice(missing)
            waiting, since = _joined(waiting, more), since or (day if len(more) else None)
            if since and len(waiting) >= traffic.min_rows and len(reference) == traffic.reference_rows:
                yield Window(since, day, release, reference, waiting)
                waiting, since = waiting.slice(0, 0), None
            releases[release] = (reference, waiting, since)


def compare(window: Window, days_between_false_alarms: int) -> tuple[Verdict, list[str]]:
    """What the window is, and the ids of its rows and those of the reference, as the verdict numbers them."""
    rows = window.rows.sort_by("key").slice(0, MOST)  # a sample of them
    both = _joined(window.reference, rows)
    later_N = np.arange(len(both)) >= len(window.reference)
    seed = derive_seed("shift", window.release, window.first.isoformat())
    return judge(texts(both), later_N, days_between_false_alarms, seed), both["id"].to_pylist()


def texts(table: pa.Table) -> Texts:
    """The columns that detectors look at."""
    numbers = {name: _numbers(table[name]) for name in WATCHED}
    words = {"script": _words(table["script"])}
    for name in (name for name in table.column_names if name not in OWN.names and "." in name):
        if pa.types.is_floating(table[name].type):
            numbers[name] = _numbers(table[name])
        else:
            words[name] = _words(table[name])
    sketches = b"".join(table["sketch"].to_pylist())
    return Texts(numbers, words, np.frombuffer(sketches, dtype=np.int8).reshape(len(table), BUCKETS))


def _numbers(column: Any) -> np.ndarray:
    return np.asarray(pc.fill_null(column.cast(pa.float64()), float("nan")))


def _words(column: Any) -> np.ndarray:
    return np.array(pc.fill_null(column, "").to_pylist(), dtype=object).astype(str)


def _joined(one: pa.Table, other: pa.Table) -> pa.Table:
    return pa.concat_tables([one, other], promote_options="default")
