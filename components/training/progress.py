"""Training as a person watches it: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

LINES = 20  # in a log, over the whole run


class Progress:
    """Reports to standard error; what it says is for people and never kept."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr)
        columns = (
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
        )
        self.bar = Bar(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=self.console)
        self.steps = 0

    def say(self, text: str) -> None:
        self.console.print(text, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def watching(self, steps: int, done: int) -> Iterator[None]:
        """While the block lasts, draw the bar, if there is a terminal to draw on."""
        self.steps = steps
        if not self.console.is_terminal:
            yield
            return
        self.task = self.bar.add_task("training", total=steps, completed=done, losses="")
        with self.bar:
            yield

    def step(self, step: int, losses: Mapping[str, float]) -> None:
        text = " ".join(f"{name} {loss:.2f}" for name, loss in losses.items())
        if self.console.is_terminal:
            self.bar.update(self.task, completed=step, losses=text)
        elif step % max(1, self.steps // LINES) == 0:
            self.say(f"step {step}/{self.steps}  loss: {text}")

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        self.say(
            f"step {step}/{self.steps}  validation: " + " ".join(f"{n} {s:.3f}" for n, s in scores.items())
        )
