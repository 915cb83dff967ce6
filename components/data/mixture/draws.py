"""The mixture: which rows of which task a step draws.

The draws of step s are a pure function of (plan, seed, s). No permutation is stored and no cursor
moves: a keyed bijection walks each task's rows once per epoch, and the number of rows that a task
has given before step s is closed arithmetic, whatever its share does over the steps
(schedules.py). So step 41,007 costs what step 0 costs, and 100 M rows take no memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from components.data.mixture import schedules
from components.data.mixture.records import PlannedTask, PlanRecord
from components.data.mixture.schedules import Knots, Schedule
from components.keyed import derive_seed, permute
from components.settings.mixture import Rule


def shares(rule: Rule, rows: Mapping[str, int]) -> dict[str, float]:
    """The share p_i of each task among the rows drawn, by a constant method; they sum to 1.

    temperature: p_i ~ min(n_i, cap)^(1/T), the cap before the power (Arivazhagan 2019, Raffel 2020
    section 3.5.2); proportional: T = 1; uniform: 1/K; inverse_size: p_i ~ 1/n_i; fixed_ratio: as given.
    """
    capped = {name: min(n, rule.cap) if rule.cap else n for name, n in rows.items()}
    weights = {
        "temperature": {name: n ** (1 / rule.temperature) for name, n in capped.items()},
        "proportional": {name: float(n) for name, n in capped.items()},
        "uniform": dict.fromkeys(rows, 1.0),
        "inverse_size": {name: 1 / n for name, n in capped.items()},
        "fixed_ratio": {name: rule.ratio.get(name, 0.0) for name in rows},
    }[rule.method]
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


@dataclass(frozen=True)
class TaskPlan:
    """One task's part of the plan."""

    rows: int
    share: float  # of the run's rows or tokens; where shares are dynamic, that of the start
    excluded: Sequence[int] | np.ndarray = ()  # sorted numbers of rows that training leaves out
    schedule: Schedule | None = None  # where the share changes over the steps
    stages: Sequence[tuple[int, int]] = ()  # (step, how many of the easiest rows are drawn from it on)
    easiest: np.ndarray | None = None  # with stages: the numbers of the usable rows, easiest first
    until: int | None = None  # where the task has stopped early: the first step without it
    auxiliary: bool = False  # is it there for the others' sake alone?
    rows_per_step: float | None = None  # where shares are of tokens: rows of a step that is all this task's
    repeated: Sequence[int] | np.ndarray = ()  # numbers of the rows that an epoch has several times
    times: int = 1  # that it has them
    phase: float = 0.0  # part of a row by which its draws are early

    @property
    def usable(self) -> int:
        return self.rows - len(self.excluded)

    @property
    def places(self) -> int:
        """Draws of an epoch."""
        return self.usable + (self.times - 1) * len(self.repeated)

    @property
    def over_steps(self) -> Schedule:
        return self.schedule or Knots((0,), (self.share,))


@dataclass(frozen=True)
class Plan:
    """What the whole run draws: `rows_per_step` rows a step, on average, for `steps` steps."""

    steps: int
    rows_per_step: float
    window: int
    tasks: dict[str, TaskPlan]
    keep: float | None = None  # where shares are dynamic: the part of its share that no task loses
    cooldown: float | None = None  # where the run may end before: by what part of its steps it then goes on

    @classmethod
    def of(cls, record: PlanRecord, easiest: Mapping[str, np.ndarray] | None = None) -> Plan:
        """The plan of reports/plan.json; `easiest` is `plan.easiest`, for the tasks that have stages."""
        tasks = {name: _task(task, (easiest or {}).get(name)) for name, task in record.tasks.items()}
        return cls(record.steps, record.rows_per_step, record.window, tasks, record.keep, record.cooldown)


def _task(task: PlannedTask, easiest: np.ndarray | None) -> TaskPlan:
    return TaskPlan(
        rows=task.rows,
        share=task.share,
        excluded=np.array(task.excluded, dtype=np.int64),
        schedule=schedules.of(task.schedule) if task.schedule else None,
        stages=[(stage.step, stage.rows) for stage in task.stages],
        easiest=easiest,
        auxiliary=task.auxiliary,
        rows_per_step=task.rows_per_step,
        repeated=np.array(task.repeated, dtype=np.int64),
        times=task.times,
        phase=task.phase,
    )


def rows_before(plan: Plan, task: str, step: int) -> int:
    """How many rows `task` gives to the steps before `step`: its share of them and its phase, rounded down.

    A share of tokens is one of rows once a step's tokens are counted in rows of the task's mean length.

    The rounding of one step never adds to that of another, so every batch holds the task's share of
    that step exactly, up to one row.
    """
    own = plan.tasks[task]
    return schedules.drawn_before(own.over_steps, _rows_per_step(plan, own), step, own.phase)


def _rows_per_step(plan: Plan, own: TaskPlan) -> float:
    return own.rows_per_step or plan.rows_per_step


def share_at(plan: Plan, task: str, step: int) -> float:
    """The task's share of one step."""
    over_steps = plan.tasks[task].over_steps
    return over_steps.total(step + 1) - over_steps.total(step)


class EpochSlice(NamedTuple):
    """A part of one epoch: places first, ..., last - 1 of a permutation of `size` draws."""

    number: int  # of the epoch
    size: int
    first: int
    last: int
    before: EpochSlice | None = None  # the epoch before, as far as it was drawn


def epoch_slices(plan: Plan, task: str, first: int, last: int) -> Iterator[EpochSlice]:
    """The parts of epochs that the task's draws number first, ..., last - 1 are.

    A stage of more rows than the one before begins an epoch of its own.
    """
    stages = plan.tasks[task].stages or [(0, plan.tasks[task].places)]
    begins = [rows_before(plan, task, step) for step, _ in stages]
    epochs, before = 0, None
    for begin, end, (_, size) in zip(begins, [*begins[1:], last], stages, strict=True):
        at = max(first, begin)
        while at < min(last, end):
            part = _part(at - begin, min(last, end) - begin, epochs, size, before)
            yield part
            at += part.last - part.first
        if begin < end:
            begun = (end - begin - 1) // size * size  # draws of the stage before its last epoch
            before = _part(begun, end - begin, epochs, size, before)
            epochs = before.number + 1


def _part(at: int, stop: int, epochs: int, size: int, before: EpochSlice | None) -> EpochSlice:
    """Draws of a stage from number `at` on, to the end of an epoch or to `stop`; so many epochs, the last of
    them `before`, are of the stages before."""
    epoch, place = divmod(at, size)
    if epoch:
        before = EpochSlice(epochs + epoch - 1, size, 0, size)  # whose end is the same whatever was before it
    return EpochSlice(epochs + epoch, size, place, min(size, place + stop - at), before)


def draw(plan: Plan, task: str, seed: int, first: int, last: int) -> np.ndarray:
    """Row numbers of the task's draws number first, ..., last - 1 (each epoch visits a row once, and one that
    is repeated as often as the plan says)."""
    own = plan.tasks[task]
    step = math.ceil(_rows_per_step(plan, own) * plan.window)
    walks = epoch_slices(plan, task, first, last)
    parts = [_walked(walk, (seed, task), step) for walk in walks]
    places = np.concatenate([np.empty(0, dtype=np.int64), *parts])
    if not own.stages:
        return _rows_at(own, places)
    if own.easiest is None:
        raise ValueError(f"the plan draws the easiest rows of {task} first and was not told which they are")
    easiest: np.ndarray = own.easiest[places]
    return easiest


def _walked(walk: EpochSlice, of: tuple[int, str], step: int) -> np.ndarray:
    """A part of an epoch, whose first rows are not the last ones of the epoch before: a step of that many
    that holds the end of one and the beginning of the other has no row twice.

    Rows that would come again change places with the rows behind those first ones. A third of an epoch at
    most is kept free of another third, so that there are always enough.
    """

    def at(first: int, last: int) -> np.ndarray:
        return permute(np.arange(first, last), walk.size, derive_seed(*of, walk.number))

    rows, near = at(walk.first, walk.last), min(step, walk.size // 3)
    if walk.before and walk.first < 2 * near:
        begin, end = at(0, 2 * near), walk.before.last
        again = np.isin(begin, _walked(walk.before._replace(first=max(0, end - near)), of, step))
        early = np.flatnonzero(again[:near])
        late = near + np.flatnonzero(~again[near:])[: len(early)]
        begin[early], begin[late] = begin[late], begin[early]
        rows[: 2 * near - walk.first] = begin[walk.first : walk.last]
    return rows


def _rows_at(own: TaskPlan, places: np.ndarray) -> np.ndarray:
    """The rows at some places of an epoch: all once, then those that come again."""
    rows = skip(places, own.excluded)
    if not len(own.repeated):
        return rows
    again = places - own.usable
    return np.where(again < 0, rows, np.asarray(own.repeated)[again % len(own.repeated)])


def skip(rows: np.ndarray, excluded: Sequence[int] | np.ndarray) -> np.ndarray:
    """Map 0, 1, ... onto the row numbers that are not in the sorted list `excluded`."""
    if not len(excluded):
        return rows
    before = np.asarray(excluded) - np.arange(len(excluded))  # usable rows below each excluded one
    return rows + np.searchsorted(before, rows, side="right")
