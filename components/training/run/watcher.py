"""What a watcher is told of a run. It changes nothing of it, and nothing that it keeps is ever read back.

A run that was killed goes on from its last checkpoint, so steps after that are taken, and told, twice;
their numbers are the same both times. Logs must have every step once all the same: see `Run.done` and
`Watcher.flush`.
"""

from __future__ import annotations

import abc
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from components.training.run.state import Entry, State

RECENT = 30  # steps whose speed is told
LEAST, SECONDS = 16, 10.0  # steps, and time since the first, before which no speed is steady
FASTER = 1.25  # times as fast as those before them: steps that still get faster


@dataclass(frozen=True)
class Run:
    """The run that begins, or goes on."""

    name: str  # its checkpoint's key: that of a run that goes on is the same
    steps: int
    done: int = 0  # steps taken before; what logs have of later ones is to be replaced
    history: Sequence[Entry] = ()  # the evaluations before
    settings: Mapping[str, Any] = field(default_factory=dict)
    tokens: float = 0.0  # of all steps, about


@dataclass(frozen=True)
class Seen:
    """What one step showed, all by head."""

    step: int  # how many were taken, this one included
    losses: Mapping[str, float]  # of the heads that the step drew; none where it was skipped
    weights: Mapping[str, float]  # what each head's loss counted for the shared parameters
    shares: Mapping[str, float]  # of the mixture's rows
    learning_rate: float  # of the encoder
    tokens: int  # real ones, of all steps so far
    end: int | None = None  # how many steps the run has, as far as is known now; null: what it began with
    at: float = field(default_factory=time.monotonic)  # seconds


class Watcher:
    """Hears what happens, in this order; what it does not care for it leaves alone."""

    def start(self, run: Run) -> None:
        """The first step is about to be taken."""

    def step(self, seen: Seen) -> None:
        """A step was taken."""

    def evaluated(self, entry: Entry) -> None:
        """A scheduled evaluation was made and recorded."""

    def flush(self) -> None:
        """A checkpoint is about to be written: what was told so far must outlive a kill."""

    def say(self, text: str) -> None:
        """Something that a person should know."""

    def stop(self, state: State) -> None:
        """The run is complete."""

    def close(self) -> None:
        """The run is over, complete or not: let go of what is open."""


class All(Watcher):
    """Passes everything on."""

    def __init__(self, watchers: Iterable[Watcher]) -> None:
        self.watchers = list(watchers)

    def start(self, run: Run) -> None:
        for watcher in self.watchers:
            watcher.start(run)

    def step(self, seen: Seen) -> None:
        for watcher in self.watchers:
            watcher.step(seen)

    def evaluated(self, entry: Entry) -> None:
        for watcher in self.watchers:
            watcher.evaluated(entry)

    def flush(self) -> None:
        for watcher in self.watchers:
            watcher.flush()

    def say(self, text: str) -> None:
        for watcher in self.watchers:
            watcher.say(text)

    def stop(self, state: State) -> None:
        for watcher in self.watchers:
            watcher.stop(state)

    def close(self) -> None:
        for watcher in self.watchers:
            watcher.close()


class Speed:
    """Tokens a second, and seconds a step, over the last steps, evaluations among them.

    The first steps are slow, for each new shape is prepared then and other stages may run beside; what is
    left to do follows from the speed once it is `steady`.
    """

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=RECENT)
        self._begun = 0.0  # when the first step was taken
        self.steady = False

    def add(self, seen: Seen) -> None:
        self._begun = self._begun if self._seen else seen.at
        self._seen.append(seen)
        self.steady = self.steady or self._no_longer_rises()

    def _no_longer_rises(self) -> bool:
        """Are the later half of the last steps hardly faster than the half before them?"""
        first, middle, last = self._seen[0], self._seen[len(self._seen) // 2], self._seen[-1]
        if len(self._seen) < LEAST or last.at - self._begun < SECONDS:
            return False
        before, after = middle.tokens - first.tokens, last.tokens - middle.tokens
        return after * (middle.at - first.at) <= FASTER * before * (last.at - middle.at)

    def tokens_per_second(self) -> float:
        """Zero before the second step."""
        first, last = self._seen[0], self._seen[-1]
        return (last.tokens - first.tokens) / (last.at - first.at) if last.at > first.at else 0.0

    def seconds_per_step(self) -> float:
        """Zero before the second step."""
        first, last = self._seen[0], self._seen[-1]
        return (last.at - first.at) / (last.step - first.step) if last.step > first.step else 0.0


class Logger(Watcher, abc.ABC):
    """Sends numbers by name to a tool. A file in `loggers/` has one, called LOGGER.

    It is an optional tool, so its package is imported by `start`.
    """

    package: ClassVar[str]
    """What to import, and to install with pip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder  # where it writes what is written to disk
        self.speed = Speed()

    @abc.abstractmethod
    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Keep the values of a step; there may be several calls a step."""

    def step(self, seen: Seen) -> None:
        self.speed.add(seen)
        own = {"learning_rate": seen.learning_rate, "tokens_per_second": self.speed.tokens_per_second()}
        by_head = {"loss": seen.losses, "weight": seen.weights, "share": seen.shares}
        self.log(seen.step, own | flat(by_head))

    def evaluated(self, entry: Entry) -> None:
        self.log(entry["step"], {"score": entry["score"]} | flat({"validation": entry["validation"]}))


def flat(kinds: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """{kind: {head: value}} as {"kind/head": value}, the names that all tools group by."""
    return {f"{kind}/{head}": value for kind, values in kinds.items() for head, value in values.items()}
