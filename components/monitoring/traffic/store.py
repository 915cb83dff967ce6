"""The rows of a service's traffic, a folder a day: written by any number of workers, read as one sample.

    monitoring/traffic/2026-11-29/WORKER-00000001.parquet    what a worker has seen since its last file

A row has a random key, and a day's sample is the rows with the smallest: so workers need not know of each
other, and what was written before it was known how many there would be is trimmed by the reader.
"""

from __future__ import annotations

import heapq
import shutil
import threading
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from components.errors import UserError
from components.families.base import Row
from components.files import atomic_file
from components.settings.traffic import Traffic

OWN = pa.schema(
    [
        ("id", pa.string()),
        ("time", pa.timestamp("us", "UTC")),
        ("key", pa.float64()),
        ("release", pa.string()),
        ("characters", pa.int64()),
        ("tokens", pa.int64()),
        ("unknown", pa.float64()),  # share of the tokens
        ("script", pa.string()),
        ("sketch", pa.binary()),
    ]
)


class Writer:
    """A worker's hand on the folder. Safe for threads."""

    def __init__(self, traffic: Traffic, worker: str) -> None:
        self.traffic, self.worker = traffic, worker
        self.waiting: list[Row] = []
        self.keys: dict[date, list[float]] = defaultdict(list)  # of the day's sample, the largest first
        self.lock = threading.Lock()

    def wants(self, key: float, now: datetime | None = None) -> bool:
        """Tell whether a row with this key belongs to the day's sample as far as this worker can know."""
        with self.lock:
            keys = self.keys[_day(now)]
            if len(keys) < self.traffic.rows_a_day:
                heapq.heappush(keys, -key)
                return True
            return -heapq.heappushpop(keys, -key) != key

    def add(self, rows: list[Row]) -> None:
        """Hold the rows until `flush`."""
        with self.lock:
            self.waiting += rows

    def flush(self) -> None:
        """Write what waits, one file a day; at the first of a day, remove what is too old."""
        with self.lock:
            rows, self.waiting = self.waiting, []
            for day in [day for day in self.keys if day < _day(None)]:
                del self.keys[day]
                self._expire()
        days: dict[date, list[Row]] = defaultdict(list)
        for row in rows:
            days[row["time"].date()].append(row)
        for day, of_day in days.items():
            folder = Path(self.traffic.folder) / day.isoformat()
            number = sum(1 for _ in folder.glob(f"{self.worker}-*.parquet")) + 1
            with atomic_file(folder / f"{self.worker}-{number:08d}.parquet") as temporary:
                pq.write_table(pa.Table.from_pylist(of_day, schema=_schema(of_day)), temporary)

    def _expire(self) -> None:
        oldest = _day(None) - timedelta(days=self.traffic.keep_days)
        for folder in Path(self.traffic.folder).glob("[0-9]*-[0-9]*-[0-9]*"):
            if folder.name < oldest.isoformat():
                shutil.rmtree(folder, ignore_errors=True)


def _day(now: datetime | None) -> date:
    return (now or datetime.now(UTC)).date()


def _schema(rows: list[Row]) -> pa.Schema:
    """Of our own columns, and of what the tasks have answered: labels and numbers."""
    kinds: dict[str, pa.DataType] = {
        name: pa.string() if isinstance(value, str) else pa.float64()
        for row in rows for name, value in row.items() if name not in OWN.names
    }  # fmt: skip
    return pa.schema([*OWN, *sorted(kinds.items())])


def days(folder: Path) -> list[date]:
    """The days of which there is something."""
    found = []
    for each in folder.glob("[0-9]*-[0-9]*-[0-9]*"):
        try:
            found.append(date.fromisoformat(each.name))
        except ValueError:
            continue
    return sorted(found)


def read(folder: Path, day: date, rows_a_day: int) -> pa.Table:
    """The day's sample over all workers, in the order of time.

    Raises:
        UserError: a file is damaged, or a column is of another kind in another file.
    """
    parts = []
    for file in sorted((folder / day.isoformat()).glob("*.parquet")):
        try:
            parts.append(pq.read_table(file))
        except (pa.ArrowException, OSError) as error:
            problem = str(error).strip().splitlines()[0]
            raise UserError(f"{file}: not a readable file of traffic ({problem}); remove it") from None
    if not parts:
        return OWN.empty_table()
    try:
        table = pa.concat_tables(parts, promote_options="default")
    except pa.ArrowException as error:
        raise UserError(f"{folder / day.isoformat()}: its files do not fit each other ({error})") from None
    return table.sort_by("key").slice(0, rows_a_day).sort_by("time")
