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

from components.tracking.clock import clock, rough
from components.training.run import curve, stopping
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
        self.tokens = 0.0  # of the whole run, about
        self.live = Live(console=self.console, refresh_per_second=4)
        self.losses: dict[str, float] = {}  # each head's latest

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def start(self, run: Run) -> None:
        self.steps, self.tokens = run.steps, run.tokens
        if self.console.is_terminal:
            self.live.start()

    def step(self, seen: Seen) -> None:
        before = self.speed.steady
        self.speed.add(seen)
        if seen.end is not None and seen.end != self.steps:  # it was settled meanwhile
            self.tokens, self.steps = self.tokens * seen.end / self.steps, seen.end
        if self.speed.steady and not before and self.tokens:
            self.say(self._ahead(seen))
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
        history = state.history
        self.say(curve.sentence(curve.ahead(history), history[-1]["validation"], len(history)))

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
        """How fast it is, and how long it will take, once that can be known."""
        tokens, left = self.speed.tokens_per_second(), (self.steps - step) * self.speed.seconds_per_step()
        pace = f"{tokens:,.0f} tokens/s" if tokens else "..."
        return pace, f"{clock(left)} left" if self.speed.steady else "..."

    def _ahead(self, seen: Seen) -> str:
        """How long the run will take, from its latest steps."""
        seconds = (self.tokens - seen.tokens) / self.speed.tokens_per_second()
        steps = self.steps - seen.step
        return f"{rough(seconds)} for the {steps:,} steps that are left, at the speed of the latest"

    def _heads(self, shares: Mapping[str, float]) -> list[str]:
        """Every head that was drawn so far, in an order that stays."""
        losses = self.losses
        return [f"{head} {losses[head]:.3f} ({shares[head]:.0%})" for head in shares if head in losses]
