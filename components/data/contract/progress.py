"""Rows as a person watches them go by: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

EVERY = 15.0  # seconds between two lines of a log


class RowProgress:
    """Counts rows and says how fast they go, on standard error; it is for people and never kept."""

    def __init__(self, title: str, total: int | None = None) -> None:
        self.title, self.total, self.rows = title, total, 0
        self.skipped = 0  # of the rows: done by an earlier run
        self.started = self.said = time.monotonic()
        self.console = Console(file=sys.stderr, markup=False)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
        )
        self.bar = Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self.console)
        self.task = self.bar.add_task(title, total=total, state="")

    def __enter__(self) -> RowProgress:
        if self.console.is_terminal:
            self.bar.start()
        return self

    def add(self, rows: int) -> None:
        """So many rows more are done."""
        self.rows += rows
        self.bar.update(self.task, completed=self.rows, state=self._state())
        if not self.console.is_terminal and time.monotonic() - self.said > EVERY:
            self._say()

    def skip(self, rows: int) -> None:
        """So many rows more were done by an earlier run, which says nothing of how fast they go."""
        self.skipped += rows
        self.add(rows)

    def expect(self, total: int) -> None:
        """About so many rows there are, as far as can be told by now."""
        self.total = total
        self.bar.update(self.task, total=total)

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self.console.is_terminal:
            self.bar.stop()
        elif kind is None:
            self._say()

    def _state(self) -> str:
        rate = (self.rows - self.skipped) / max(time.monotonic() - self.started, 1e-9)
        of = f" of {self.total:,}" if self.total is not None else ""
        left = (self.total or 0) - self.rows
        wait = f", {duration(left / rate)} left" if left > 0 and rate > 0 else ""
        return f"{self.rows:,}{of} rows, {rate:,.0f} rows/s{wait}"

    def _say(self) -> None:
        self.said = time.monotonic()
        self.console.print(f"{self.title}: {self._state()}", highlight=False, soft_wrap=True)


def duration(seconds: float) -> str:
    """About how long that is: 48 s, 3 min or 2 h 05 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
