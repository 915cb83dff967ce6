"""Training as a person watches it: a bar on a terminal, a line now and then in a log.

Both say how far it is, how fast, how long it will take, and each head's loss and share of the mixture.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from components.training.run import stopping
from components.training.run.state import Entry
from components.training.run.watcher import Run, Seen, Speed, Watcher

if TYPE_CHECKING:
    from components.training.run.state import State

LINES = 20  # in a log, over the whole run


class Terminal(Watcher):
    """Reports to standard error; what it says is for people and never kept."""

    def __init__(self) -> None:
        self.console = Console(file=sys.stderr, highlight=False, markup=False)
        self.speed = Speed()
        self.steps = 0
        self.live = Live(console=self.console, refresh_per_second=4)
        self.losses: dict[str, float] = {}  # each head's latest

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def start(self, run: Run) -> None:
        self.steps = run.steps
        if self.console.is_terminal:
            self.live.start()

    def step(self, seen: Seen) -> None:
        self.speed.add(seen)
        self.losses.update(seen.losses)
        if self.console.is_terminal:
            self.live.update(self._screen(seen))
        elif seen.step % max(1, self.steps // LINES) == 0:
            heads = ", ".join(self._heads(seen.shares))
            pace, left = self._pace(seen.step)  # what a narrow terminal cuts comes last
            self.say(f"step {seen.step}/{self.steps}  {left}  loss: {heads}  {pace}")

    def evaluated(self, entry: Entry) -> None:
        scores = ", ".join(f"{head} {score:.3f}" for head, score in entry["validation"].items())
        self.say(f"step {entry['step']}/{self.steps}  validation: {scores}")

    def stop(self, state: State) -> None:
        self.close()
        self.say(stopping.sentence(state.history))

    def close(self) -> None:
        self.live.stop()

    def _screen(self, seen: Seen) -> Group:
        """The bar, and below it the heads in as many columns as fit."""
        line = Table.grid(padding=(0, 1), expand=True)
        for ratio in (None, 1, None, None):
            line.add_column(ratio=ratio, no_wrap=True)
        bar = ProgressBar(total=self.steps, completed=seen.step)
        line.add_row("training", bar, f"{seen.step}/{self.steps}", "  ".join(self._pace(seen.step)))
        heads = [Text(head, "dim") for head in self._heads(seen.shares)]
        return Group(line, Columns(heads, padding=(0, 3)))

    def _pace(self, step: int) -> tuple[str, str]:
        """How fast it is, and how long it will take."""
        tokens, left = self.speed.tokens_per_second(), (self.steps - step) * self.speed.seconds_per_step()
        return (f"{tokens:,.0f} tokens/s", f"{clock(left)} left") if tokens else ("...", "...")

    def _heads(self, shares: Mapping[str, float]) -> list[str]:
        """Every head that was drawn so far, in an order that stays."""
        losses = self.losses
        return [f"{head} {losses[head]:.3f} ({shares[head]:.0%})" for head in shares if head in losses]


def clock(seconds: float) -> str:
    """1:05, 1:02:05 or 3 d 04 h."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24:02d} h"
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
