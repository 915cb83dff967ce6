"""The budget in words: what each task gets of a run, before a second of it is spent.

A run that shows a task less than half of its rows, or one whose long rows take the tokens of the others, is
no fault, but nobody should find it out afterwards: both are warnings, with the setting to change.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.data.encoding.reading import UNKNOWN
from components.data.mixture.records import PlannedTask, PlanRecord

if TYPE_CHECKING:
    from rich.table import Table

FEW = 0.5  # epochs; of a task with less, most rows are never read
LONG = 1.5  # times its share of the rows: a task with more of the tokens is read at the others' cost
NOTICED = 0.1  # of all tokens; a share that is beyond its share of the rows by less is no matter
HALVED = 2.0  # times as many rows, that the others would get of a task, or some, of many and long rows


@dataclass(frozen=True)
class Warned:
    """Something to know before training, and the keys of params.yaml that change it."""

    sentence: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class TaskOutlook:
    """What one task gets."""

    name: str
    plan: PlannedTask
    of_rows: float  # its share of the rows that the run draws
    of_tokens: float  # and of their tokens

    @property
    def takes_more(self) -> bool:
        """Does it take much more of the tokens than of the rows?"""
        return self.of_tokens > max(LONG * self.of_rows, self.of_rows + NOTICED)


def outlook(plan: PlanRecord) -> list[TaskOutlook]:
    """What each task gets of the run, in the plan's order."""
    rows = sum(task.rows_drawn for task in plan.tasks.values())
    tokens = tokens_of(plan)
    return [
        TaskOutlook(name, task, task.rows_drawn / rows, task.tokens_drawn / tokens)
        for name, task in plan.tasks.items()
    ]


def tokens_of(plan: PlanRecord) -> float:
    """The tokens that the whole run reads, about."""
    return sum(task.tokens_drawn for task in plan.tasks.values())


def warnings(plan: PlanRecord, of_training: float = 1.0) -> list[Warned]:
    """What a person should know, and may want to change, before the run begins, which has this part of the
    steps that the budget allows."""
    found = outlook(plan)
    few = _few(plan, {task.name: task.plan.epochs for task in found if task.plan.epochs < FEW}, of_training)
    return [*few, *(_long(some, found) for some in _takers(found)), *_unfamiliar(plan)]


def provisos(plan: PlanRecord) -> list[str]:
    """What may come otherwise than the plan has it."""
    found = {
        "the mixture is dynamic: shares are those of the start, and are decided anew after each evaluation": (
            plan.keep is not None
        ),
        "the budget is auto: this is the most, and training ends before once no task improves": (
            plan.cooldown is not None
        ),
    }
    return [sentence for sentence, holds in found.items() if holds]


def replayed(plan: PlanRecord) -> list[str]:
    """What a run that goes on from a release draws of the rows that are new since, and of the old ones."""
    return [_replayed(name, task) for name, task in plan.tasks.items() if task.new]


def _replayed(name: str, task: PlannedTask) -> str:
    old = task.usable - task.new
    if not old:
        return f"{name}: all {task.new:,} rows are new"
    often = f" and drawn {task.times} times as often as the others" if task.times > 1 else ""
    return (
        f"{name}: {task.new:,} of {task.usable:,} rows are new{often}; "
        f"{old / task.places:.0%} of what is drawn are rows that the release has learnt from"
    )


def _unfamiliar(plan: PlanRecord) -> list[Warned]:
    """The tasks whose texts are of a script that the encoder was not trained on, or of signs."""
    return [
        Warned(f"{name}: {one}", ("model.encoder",))
        for name, task in plan.tasks.items()
        for one in _unread(task)
    ]


def _unread(task: PlannedTask) -> list[str]:
    if task.unfamiliar:
        advice = "take an encoder of that language, or a multilingual one"
        return [f"{one.sentence}; {advice}" for one in task.unfamiliar]
    if task.unknown > UNKNOWN:
        signs = "are unknown to the tokenizer, as emoji or rare signs are; take an encoder that knows them"
        return [f"{task.unknown:.0%} of its tokens {signs}"]
    return []


def _few(plan: PlanRecord, epochs: Mapping[str, float], of_training: float) -> list[Warned]:
    """The tasks with less than half an epoch, and the budget in tokens that would give each of them one
    half."""
    if not epochs:
        return []
    listed = ", ".join(f"{name} {value:.2f}" for name, value in epochs.items())
    times = FEW / min(epochs.values())
    enough = _two_digits(tokens_of(plan) * times / of_training)
    return [
        Warned(
            f"most rows of these tasks are never read, in epochs: {listed}; about {enough:,} tokens would "
            f"give each {FEW}, {times:,.1f} times this budget",
            ("training.tokens", "training.budget"),
        )
    ]


def _takers(found: list[TaskOutlook]) -> list[list[TaskOutlook]]:
    """The tasks whose long rows take what the mixture gives the others: each that does by itself, or else the
    fewest that do together. None where the mixture shares tokens."""
    if any(task.plan.rows_per_step is not None for task in found):
        return []
    longest = sorted(found, key=lambda task: -task.plan.mean_tokens)
    together = ((longest[:count], longest[count:]) for count in range(1, len(found)))
    alone = [[task] for task in found if task.takes_more]
    return alone or [*itertools.islice((some for some, others in together if _halve(some, others)), 1)]


def _halve(some: list[TaskOutlook], others: list[TaskOutlook]) -> bool:
    """Do some tasks, all of long rows, take every other row of the others? Not where they are most of all
    tasks, and of usual rows, beside one of short ones."""
    return _gain(some) >= HALVED and some[-1].plan.mean_tokens >= HALVED * _mean(others)


def _gain(some: list[TaskOutlook]) -> float:
    """How many times as many rows the others would get if the rows of these were as long as theirs."""
    return (1 - sum(task.of_rows for task in some)) / (1 - sum(task.of_tokens for task in some))


def _long(some: list[TaskOutlook], found: list[TaskOutlook]) -> Warned:
    """Tasks whose rows are long, and how much more the others would get if they were as long as theirs."""
    names, others = [task.name for task in some], [task for task in found if task not in some]
    own, its = _mean(some), _mean(others)
    of_rows, of_tokens = sum(task.of_rows for task in some), sum(task.of_tokens for task in some)
    has, takes = ("has", "takes") if len(some) == 1 else ("have", "take")
    return Warned(
        f"{' and '.join(names)} {has} {of_rows:.0%} of the rows and {takes} {of_tokens:.0%} of the tokens, "
        f"for their rows have {own:.0f} tokens and the others' {its:.0f}: were they as long as those, the "
        f"others would get {_gain(some):.1f} times as many rows; `unit: tokens` shares tokens instead",
        ("mixture", *(f"tasks.{name}.max_length" for name in names)),
    )


def _mean(some: list[TaskOutlook]) -> float:
    """Tokens of a row that they draw."""
    return sum(task.plan.tokens_drawn for task in some) / sum(task.plan.rows_drawn for task in some)


def table(plan: PlanRecord) -> Table:
    """A row for each task, for a terminal of eighty columns."""
    from rich.table import Table
    from rich.text import Text

    result = Table(box=None, padding=(0, 1, 0, 0))
    titles = ("task", "rows", "epochs", "of rows", "of tokens", "cut", "unknown")
    for title in titles:
        result.add_column(Text(title), justify="left" if title == "task" else "right", overflow="fold")
    for task in outlook(plan):
        shares = (task.of_rows, task.of_tokens, task.plan.cut, task.plan.unknown)
        cells = [f"{task.plan.usable:,}", *map(_percent, shares)]
        few = "yellow" if task.plan.epochs < FEW else ""
        result.add_row(
            Text(task.name), Text(cells[0]), Text(f"{task.plan.epochs:.2f}", few), *map(Text, cells[1:])
        )
    return result


def _percent(share: float) -> str:
    """Few are not none."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def _two_digits(number: float) -> int:
    """Rounded up to two digits that count."""
    step: int = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / step) * step
