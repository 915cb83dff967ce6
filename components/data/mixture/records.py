"""The plan of a mixture as it is written down: reports/plan.json."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from components.data.encoding.scripts import Unfamiliar
from components.records import Part, Record

PLAN = Path("reports/plan.json")


class SharesOverSteps(Part):
    """A share that changes: on straight lines between steps, and constant after the last."""

    steps: list[int]  # the first is 0; one that stands twice is a jump
    shares: list[float]  # at these steps


class StepsInTurn(Part):
    """A task that has whole steps, in turn with the others."""

    first: int  # of each period
    length: int  # in steps
    period: int  # in steps


class Stage(Part):
    """A part of the run in which the easiest rows are drawn."""

    step: int  # the first
    rows: int  # how many of the easiest


class PlannedTask(Part):
    """A task's part of the plan."""

    rows: int  # of training
    excluded: list[int]  # numbers of the rows whose text is held out in another task
    share: float  # of the run's rows or tokens (`mixture.unit`); where shares are dynamic, that of the start
    rows_per_step: float | None = None  # of a step that is all this task's; null where shares are of rows
    schedule: SharesOverSteps | StepsInTurn | None = None  # null where the share is constant
    phase: float = 0.0  # part of a row by which its draws are early, so that tasks round up in other steps
    mean_tokens: float  # of a row that the run draws
    easy_first: Literal["length", "difficulty"] | None = None  # what tells easy rows, where they come first
    stages: list[Stage]  # of a task whose easy rows come first
    auxiliary: bool = False  # is it there for the others' sake alone?
    rows_drawn: int = 0  # in the whole run
    epochs: float = 0.0  # passes over its rows that these are
    cut: float = 0.0  # share of its rows that are longer than max_length
    unknown: float = 0.0  # share of its tokens that the tokenizer does not know
    unfamiliar: list[Unfamiliar] = Field(default_factory=list)  # scripts that the tokenizer does not know
    new: int = 0  # rows that the release has not learnt from, whose weights the run begins with
    repeated: list[int] = Field(default_factory=list)  # their numbers, where an epoch has each several times
    times: int = 1  # that an epoch has each of these

    @property
    def usable(self) -> int:
        """Rows that the run may draw."""
        return self.rows - len(self.excluded)

    @property
    def places(self) -> int:
        """Draws of an epoch."""
        return self.usable + (self.times - 1) * len(self.repeated)

    @property
    def tokens_drawn(self) -> float:
        """In the whole run, about."""
        return self.rows_drawn * self.mean_tokens


class PlanRecord(Record):
    """reports/plan.json: which rows of which task training draws, and how many."""

    steps: int  # of the run
    rows_per_step: float  # on average
    window: int  # steps whose rows are grouped by length together; 1: none are
    keep: float | None  # the part of its share that no task loses; null unless shares are dynamic
    # where training ends once no task improves: by what part of its steps it then goes on, with falling rates
    cooldown: float | None = None
    tasks: dict[str, PlannedTask]  # by name
