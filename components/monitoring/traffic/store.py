"""The rows of a service's traffic, a folder a day: written by any number of workers, read as one sample.

    monitoring/traffic/2026-11-29/WORKER-00000001.parquet    what a worker has seen in an hour

A row has a random key, and a day's sample is the rows with the smallest: so workers need not know of each
other. What was written before it was known how many there would be is left out by the reader, and removed
a day after.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.errors import UserError, first_line
from components.families.base import Row
from components.files import atomic_file
from components.monitoring.traffic.rows import BUCKETS
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


MOST_COUNTED = 10**12  # characters or tokens of a text: more have no exact mean
LONGEST_NAME = 80  # characters of a release: there is a file of that name
MOST_HOURS = 24  # whose rows are held where they cannot be written


@dataclass
class Hour:
    """What a worker has seen in an hour, and its file."""

    file: Path
    rows: list[Row] = field(default_factory=list)
    written: int = 0  # rows

    @property
    def is_written(self) -> bool:
        """Whether the file has all rows."""
        return self.written == len(self.rows)


class Writer:
    """A worker's hand on the folder. Safe for threads."""

    def __init__(self, traffic: Traffic, worker: str) -> None:
        self.traffic, self.worker = traffic, worker
        self.hours: dict[datetime, Hour] = {}  # that are not over, or not written
        self.numbers = itertools.count(1)  # of its files
        self.keys: dict[date, list[float]] = defaultdict(list)  # of the day's sample, the largest first
        self.expired: date | None = None  # the day on which what is too old was last removed
        self.lock = threading.Lock()
        self.writing = threading.Lock()  # `flush`, by one thread at a time

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
            for row in rows:
                self._hour(row["time"]).rows.append(row)

    def flush(self) -> None:
        """Write each hour's file again that has new rows; the first time, and at the first of a day, remove
        what is too old, and what no sample of a day that is long over has: a worker may not live for a day.
        What cannot be written is held, for a day at most.

        Raises:
            OSError: the disk is full, or the folder is not ours.
        """
        with self.writing:
            with self.lock:
                is_new_day = self._forget_days()
                hours = [(hour, list(hour.rows)) for hour in self.hours.values() if not hour.is_written]
            for hour, rows in hours:
                with atomic_file(hour.file) as temporary:
                    pq.write_table(pa.Table.from_pylist(rows, schema=_schema(rows)), temporary)
                hour.written = len(rows)
            with self.lock:
                self._forget_hours()
            if is_new_day:  # yesterday's last rows may be on their way, of other workers
                trim(Path(self.traffic.folder), _day(None) - timedelta(days=1), self.traffic.rows_a_day)

    def _hour(self, time: datetime) -> Hour:
        """The hour of this time, which holds nothing yet where it is new."""
        when = time.replace(minute=0, second=0, microsecond=0)
        if when not in self.hours:
            name = f"{self.worker}-{next(self.numbers):08d}.parquet"
            self.hours[when] = Hour(Path(self.traffic.folder) / time.date().isoformat() / name)
            if len(self.hours) > MOST_HOURS:
                del self.hours[min(self.hours)]
        return self.hours[when]

    def _forget_hours(self) -> None:
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self.hours = {when: hour for when, hour in self.hours.items() if when >= now or not hour.is_written}

    def _forget_days(self) -> bool:
        """Whether it is a new day."""
        today = _day(None)
        for day in [day for day in self.keys if day < today]:
            del self.keys[day]
        if self.expired == today:
            return False
        self._expire()
        self.expired = today
        return True

    def _expire(self) -> None:
        """Remove what is too old; not where all of it would go, since a clock that is years ahead may say so:
        then a day later, when there is a day before that is kept."""
        today, folder = _day(None), Path(self.traffic.folder)
        oldest = today - timedelta(days=self.traffic.keep_days)
        if any(oldest <= day < today for day in days(folder)):
            for day in days(folder):
                if day < oldest:
                    shutil.rmtree(folder / day.isoformat(), ignore_errors=True)


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


def read_file(file: Path) -> pa.Table:
    """The rows of one file.

    Raises:
        UserError: it is damaged, or not ours.
    """
    try:
        table = pq.read_table(pa.BufferReader(file.read_bytes()))
    except (pa.ArrowException, OSError) as error:
        problem = first_line(error)
        raise UserError(f"{file}: not a readable file of traffic ({problem}); remove it") from None
    if wrong := next(_strangeness(table), None):
        raise UserError(f"{file}: not a file of traffic ({wrong}); remove it")
    return table


def _strangeness(table: pa.Table) -> Iterator[str]:
    """What no file has that a service wrote."""
    for column in OWN:
        if column.name not in table.column_names:
            yield f"no column {column.name}"
        elif table[column.name].type != column.type:
            yield f"column {column.name} is {table[column.name].type}, expected {column.type}"
        elif table[column.name].null_count:
            yield f"column {column.name} has empty cells"
    for column in table.schema:
        if column.name not in OWN.names and column.type not in (pa.string(), pa.float64()):
            yield f"column {column.name} is {column.type}, expected string or double"
    for name in ("characters", "tokens"):
        least, most = pc.min_max(table[name]).as_py().values()
        if table.num_rows and not 0 <= least <= most <= MOST_COUNTED:
            yield f"column {name} is not from 0 to {MOST_COUNTED:,}"
    if (pc.max(pc.utf8_length(table["release"])).as_py() or 0) > LONGEST_NAME:
        yield f"a release has a name of more than {LONGEST_NAME} characters"
    if set(pc.unique(pc.binary_length(table["sketch"])).to_pylist()) - {BUCKETS}:
        yield f"a sketch is not {BUCKETS} bytes long"


def read(folder: Path, day: date, rows_a_day: int) -> pa.Table:
    """The day's sample over all workers, in the order of time.

    Raises:
        UserError: a file is damaged, or a column is of another kind in another file.
    """
    parts = []
    for file in sorted((folder / day.isoformat()).glob("*.parquet")):
        parts.append(read_file(file))
    if not parts:
        return OWN.empty_table()
    table = joined(parts, folder / day.isoformat())
    return table.sort_by("key").slice(0, rows_a_day).sort_by("time")


def trim(folder: Path, until: date, rows_a_day: int) -> None:
    """Remove from the files of the last two days before `until`, to which nobody adds any more, what is not
    of their samples. Any number of workers may do it at once: no file goes, only rows that are out for good.
    """
    for day in [day for day in days(folder) if day < until][-2:]:  # two: on the next one nobody may live
        with contextlib.suppress(UserError):  # the watch says which file is damaged
            if len(sample := read(folder, day, rows_a_day)) == rows_a_day:
                last = pc.max(sample["key"])
                for file in sorted((folder / day.isoformat()).glob("*.parquet")):
                    _keep_up_to(last, file)


def _keep_up_to(last: pa.Scalar, file: Path) -> None:
    """Write a file again without the rows whose keys are greater, if there are such."""
    table = read_file(file)
    if len(kept := table.filter(pc.less_equal(table["key"], last))) < len(table):
        with atomic_file(file) as temporary:
            pq.write_table(kept, temporary)


def joined(parts: list[pa.Table], where: Path) -> pa.Table:
    """Rows of several files, which are `where`; a column that some lack is empty there.

    Raises:
        UserError: a column is of another kind in another file.
    """
    try:
        return pa.concat_tables(parts, promote_options="default")
    except pa.ArrowException as error:
        problem = first_line(error)
        raise UserError(f"{where}: its files do not fit each other ({problem}); remove the odd one") from None
