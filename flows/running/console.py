"""What a run shows: a line per stage that has ended, and below them the stages at work."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Lock
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flows.running.dvc_stage import Outcome

STYLES = {"ran": "green", "restored": "cyan", "unchanged": "dim", "skipped": "dim", "failed": "bold red"}
GATE = "gate"
EVERY = 10.0  # seconds between two lines of one stage's progress where there is no terminal


@contextmanager
def without_reader() -> Iterator[None]:
    """While the block lasts, go on where nobody reads the output any more (`onetrunk run | head -1`) or
    a full disk does not take it: the stages do not depend on it, nor does the exit code."""
    ours = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (one if isinstance(one, _Output) else _Output(one) for one in ours)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = ours


class _Output:
    """A text stream that turns to nowhere at the first error of the system."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def fit(line: str, width: int) -> str:
    """The line in `width` characters: of a list what has room, and how many more there are ("…+3")."""
    if len(line) <= width:
        return line
    items = line.split(", ")
    for shown in range(len(items) - 1, 0, -1):
        text = f"{', '.join(items[:shown])}, …+{len(items) - shown}"
        if len(text) <= width:
            return text
    return line[: max(width - 1, 0)] + "…"


class StageDisplay:
    """Shows stages as they start, speak and end; keeps the outcomes.

    On a terminal each stage at work has a line with its latest output; elsewhere (a file, a
    worker's log) that output is printed at most every ten seconds, so short stages stay silent.
    """

    def __init__(self, console: Console, width: int) -> None:
        self.console = console
        self.width = width  # of the longest stage name
        self.outcomes: dict[str, tuple[Outcome, float]] = {}  # stage -> how it ended, seconds
        self._working: dict[str, tuple[float, str]] = {}  # stage -> since when, latest line
        self._lock = Lock()

    def live(self) -> AbstractContextManager[object]:
        """Draw the stages at work until the block ends, if there is a terminal to draw on."""
        if not self.console.is_terminal:
            return nullcontext()
        return Live(get_renderable=self._render, console=self.console, refresh_per_second=4, transient=True)

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        width = max(map(len, self._working), default=0)
        for stage, (since, line) in list(self._working.items()):
            clock = f"{time.monotonic() - since:4.0f} s"
            room = self.console.width - width - len(clock) - 4
            said = Text(fit(line, room), "dim", no_wrap=True)
            table.add_row(Text(f"· {stage:{width}}", "yellow"), clock, said)
        return table

    @contextmanager
    def working(self, stage: str) -> Iterator[Callable[[str], None]]:
        """While the block lasts, show `stage` with the latest line given to what is yielded."""
        spoken = time.monotonic()
        self._working[stage] = (spoken, "")

        def follow(line: str) -> None:
            nonlocal spoken
            self._working[stage] = (self._working[stage][0], line)
            if not self.console.is_terminal and line and time.monotonic() - spoken > EVERY:
                spoken = time.monotonic()
                self.console.print(Text(f"· {stage:{self.width}}  {line}"), soft_wrap=True)

        try:
            yield follow
        finally:
            del self._working[stage]

    def ended(self, stage: str, outcome: Outcome, seconds: float) -> None:
        """Keep and show how a stage ended; a retry's outcome takes the place of the first."""
        with self._lock:
            self.outcomes[stage] = (outcome, seconds)
            if outcome.verb != "skipped":
                self.console.print(self._line(stage, outcome, seconds), soft_wrap=True)

    def _line(self, stage: str, outcome: Outcome, seconds: float) -> Text:
        mark, style = ("✗" if outcome.verb == "failed" else "✓"), STYLES[outcome.verb]
        if outcome.may_retry:
            mark, style = "↻", "yellow"
        line = Text.assemble((f"{mark} {stage:{self.width}}", style), f"  {outcome.verb:9} {seconds:6.1f} s")
        # the summary that follows has the gate's reasons, each once
        said = outcome.message.partition(";")[0] if stage == GATE else outcome.message
        return line.append(f"  {said}") if said else line

    def tally(self, died: list[str], held_up: list[str]) -> None:
        """Close with the numbers of stages; those of `died` have ended without an outcome."""
        verbs = [outcome.verb for outcome, _ in self.outcomes.values()]
        idle, failed = verbs.count("skipped") + verbs.count("unchanged"), verbs.count("failed")
        run, count = len(verbs) - idle - failed, len(verbs) + len(died) + len(held_up)
        parts = [f"{run} run", f"{idle} up to date and skipped"]
        parts += [f"{failed + len(died)} failed, {len(held_up)} held up by that"] if failed or died else []
        self.console.print(f"{count} stages: {', '.join(parts)}")
