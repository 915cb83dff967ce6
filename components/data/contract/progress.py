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

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self.console.is_terminal:
            self.bar.stop()
        elif kind is None:
            self._say()

    def _state(self) -> str:
        rate = self.rows / max(time.monotonic() - self.started, 1e-9)
        of = f" of {self.total:,}" if self.total is not None else ""
        return f"{self.rows:,}{of} rows, {rate:,.0f} rows/s"

    def _say(self) -> None:
        self.said = time.monotonic()
        self.console.print(f"{self.title}: {self._state()}", highlight=False, soft_wrap=True)
