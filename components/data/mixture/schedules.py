"""Shares that change over the steps, in closed form.

A task gives floor(rows per step * integral of its share from 0 to s + phase) rows to the steps before s. The
mixture's draws need nothing else, so whatever its share does, the batch at step s stays a pure function
of (plan, seed, s) as long as that integral is one of s alone. Every schedule here is such an integral:

- `curriculum`, and auxiliary tasks whose share decays: shares between knots on straight lines;
- `dynamic`: constant between knots, each appended once an evaluation has decided it;
- `alternating`, `round_robin`: all of a step is one task's, in blocks that recur;
- tasks that stop early: from a step on, theirs is divided among the others.

A window of steps is drawn together, so shares that were decided at a step hold from the next window on.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Protocol

from components.data.mixture.records import SharesOverSteps, StepsInTurn

GOLDEN = (math.sqrt(5) - 1) / 2

Shares = Mapping[str, float]


class Schedule(Protocol):
    """A task's share over the steps."""

    def total(self, step: int) -> float:
        """The integral of the share from step 0 to `step`."""


@dataclass(frozen=True)
class Knots:
    """Shares at given steps, the first of them 0, on straight lines between and constant after the last.

    A step that stands twice is a jump: the share before it, then the share from it on.
    """

    steps: tuple[int, ...]
    shares: tuple[float, ...]

    def at(self, step: int) -> float:
        """The share at a step."""
        place = bisect_right(self.steps, step) - 1
        if place + 1 == len(self.steps):
            return self.shares[place]
        part = (step - self.steps[place]) / (self.steps[place + 1] - self.steps[place])
        return self.shares[place] + part * (self.shares[place + 1] - self.shares[place])

    @cached_property
    def _before(self) -> list[float]:
        """The integral up to each knot."""
        pieces = zip(self.steps, self.steps[1:], self.shares, self.shares[1:], strict=False)
        return [0.0, *accumulate((to - at) * (first + last) / 2 for at, to, first, last in pieces)]

    def total(self, step: int) -> float:
        """The trapezia before the last knot up to `step`, and a part of the next one."""
        place = bisect_right(self.steps, step) - 1
        along, share = step - self.steps[place], self.shares[place]
        slope = 0.0
        if place + 1 < len(self.steps):
            slope = (self.shares[place + 1] - share) / (self.steps[place + 1] - self.steps[place])
        return self._before[place] + along * share + slope * along**2 / 2


@dataclass(frozen=True)
class Block:
    """Every row of steps first, ..., first + length - 1 of each `period` steps, and none of the others."""

    first: int
    length: int
    period: int

    def total(self, step: int) -> float:
        """Whole periods, and the part of the block that this one has had."""
        periods, along = divmod(step, self.period)
        return float(periods * self.length + min(max(along - self.first, 0), self.length))


@dataclass(frozen=True)
class After:
    """As `before` up to a step, and from it on a weighted sum of other schedules; of none: nothing."""

    before: Schedule
    since: int
    parts: tuple[tuple[float, Schedule], ...]

    @cached_property
    def _at_since(self) -> float:
        return self.before.total(self.since) - self._sum(self.since)

    def _sum(self, step: int) -> float:
        return sum(part * schedule.total(step) for part, schedule in self.parts)

    def total(self, step: int) -> float:
        """The integral of the one up to the step, or of both."""
        return self.before.total(step) if step <= self.since else self._at_since + self._sum(step)


def next_window(step: int, window: int) -> int:
    """The first step, from this one on, with which a window begins."""
    return -(-step // window) * window


def drawn_before(schedule: Schedule, rows_per_step: float, step: int, phase: float = 0.0) -> int:
    """How many rows the task gives to the steps before `step`."""
    return math.floor(rows_per_step * schedule.total(step) + phase + 1e-9)


def phase(place: int) -> float:
    """Of the task at a place among all, in [0, 1).

    Multiples of the golden ratio spread evenly, however many tasks there are and whichever of them have equal
    shares (Weyl's sequence; Knuth, The Art of Computer Programming 3, section 6.4, theorem S). Were all
    alike, tasks of equal shares would round up together: thirty of them at 32 rows a step gave 30 rows in
    most steps, and 60 in others.
    """
    return place * GOLDEN % 1


def constant(shares: Shares) -> dict[str, Knots]:
    """The mixture without a schedule."""
    return {task: Knots((0,), (share,)) for task, share in shares.items()}


def curriculum(start: Shares, end: Shares, begin: int, finish: int) -> dict[str, Knots]:
    """From one mixture to another, on straight lines between two steps (each sums to 1, so all do)."""
    return {task: _line(start[task], end[task], begin, finish) for task in start}


def decayed(shares: Shares, auxiliary: Mapping[str, tuple[float, float, int, int]]) -> dict[str, Knots]:
    """Auxiliary tasks, each on a straight line from one share to another between two steps; the others
    divide the rest as `shares`, which sum to 1, say."""
    lines = {task: _line(*falls) for task, falls in auxiliary.items()}
    steps = tuple(sorted({step for line in lines.values() for step in line.steps} | {0}))
    rest = [1 - sum(line.at(step) for line in lines.values()) for step in steps]
    main = {task: Knots(steps, tuple(share * left for left in rest)) for task, share in shares.items()}
    return {**main, **lines}


def _line(start: float, end: float, begin: int, finish: int) -> Knots:
    """One share until a step, then to another on a straight line."""
    flat = () if begin == 0 else (0,)
    return Knots((*flat, begin, finish), (*(start for _ in flat), start, end))


def dynamic(decided: Sequence[tuple[int, Shares]], window: int) -> dict[str, Knots]:
    """Shares as decided, each from the first window that begins no sooner; the history is kept in the
    checkpoint and only ever grows, so no step that was drawn is drawn otherwise later."""
    begins = [next_window(step, window) for step, _ in decided]
    return {task: _stairs(begins, [shares[task] for _, shares in decided]) for task in decided[0][1]}


def _stairs(begins: Sequence[int], levels: Sequence[float]) -> Knots:
    steps, shares = [begins[0]], [levels[0]]
    for begin, level in zip(begins[1:], levels[1:], strict=True):
        steps += [begin, begin]
        shares += [shares[-1], level]
    return Knots(tuple(steps), tuple(shares))


def alternating(blocks: Mapping[str, int]) -> dict[str, Block]:
    """One task a step, each for as many steps as given, in this order; all 1 is round-robin."""
    period, first = sum(blocks.values()), [0, *accumulate(blocks.values())]
    return {task: Block(first[place], steps, period) for place, (task, steps) in enumerate(blocks.items())}


def record(schedule: Schedule) -> SharesOverSteps | StepsInTurn | None:
    """A schedule as the plan has it; None where the share is constant."""
    match schedule:
        case Block(first, length, period):
            return StepsInTurn(first=first, length=length, period=period)
        case Knots(steps, shares) if len(steps) > 1:
            return SharesOverSteps(steps=list(steps), shares=list(shares))
    return None


def of(record: SharesOverSteps | StepsInTurn) -> Schedule:
    """The schedule that the plan has so."""
    if isinstance(record, StepsInTurn):
        return Block(record.first, record.length, record.period)
    return Knots(tuple(record.steps), tuple(record.shares))
