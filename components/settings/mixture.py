"""What params.yaml says of the mixture: how rows are drawn from the tasks."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from components.settings.section import Rows, Section, Steps

Part = Annotated[float, Field(gt=0, lt=1)]
Until = Annotated[float, Field(gt=0, le=1)]  # a part of the run
Constant = Literal["temperature", "proportional", "uniform", "inverse_size", "fixed_ratio"]
Scheduled = Literal["round_robin", "alternating", "curriculum", "dynamic"]


class Rule(Section):
    """A method, and what the constant ones need; `shares` in mixture.py has their formulas."""

    temperature: Annotated[float, Field(ge=1)] = 1.0  # 1 is proportional to rows, a large one is uniform
    cap: Rows | None = None  # rows of a task that count, before the power
    ratio: dict[str, Annotated[float, Field(gt=0)]] = {}  # fixed_ratio: each task's part

    method: str  # how shares follow from the tasks' rows

    @model_validator(mode="after")
    def _ratio_belongs_to_fixed_ratio(self) -> Self:
        if (self.method == "fixed_ratio") != bool(self.ratio):
            raise ValueError("`ratio` is given exactly when method is fixed_ratio")
        return self


class Shares(Rule):
    """Shares that are the same in every step."""

    method: Constant  # how shares follow from the tasks' rows


class Curriculum(Section):
    """From one mixture to another, on straight lines between two moments of the run."""

    start: Shares  # the shares of the beginning
    end: Shares  # the shares of the end
    begin: Annotated[float, Field(ge=0, lt=1)] = 0.0  # the part of the run at which shares begin to move
    until: Until = 1.0  # the part of the run at which they have arrived

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Curriculum:
        if self.begin >= self.until:
            raise ValueError(f"begin {self.begin:g} is not before until {self.until:g}")
        return self


class Dynamic(Section):
    """Shares decided anew after every scheduled evaluation, from each task's learning progress."""

    start: Shares  # the shares of the first steps
    keep: Part = 0.2  # of its share at the start, which a task has whatever its progress


class Auxiliary(Section):
    """A task that helps the others and that nobody is given an answer of: it is trained and measured, and
    kept out of gate, bundle and service. Its share of the rows falls on a straight line."""

    start: Part  # its share of the rows in the beginning
    end: Annotated[float, Field(ge=0, lt=1)] = 0.0  # its share of the rows in the end
    begin: Annotated[float, Field(ge=0, lt=1)] = 0.0  # until here it stays as it starts
    until: Until = 1.0  # the part of the run at which it has fallen

    @model_validator(mode="after")
    def _falls(self) -> Auxiliary:
        if self.end > self.start:
            raise ValueError(
                f"end {self.end:g} is above start {self.start:g}; an auxiliary task's share falls"
            )
        if self.begin >= self.until:
            raise ValueError(f"begin {self.begin:g} is not before until {self.until:g}")
        return self


class EasyFirst(Section):
    """A task whose easiest rows come first, more and more of them, and then all."""

    by: Literal["length", "difficulty"]  # what makes a row easy; difficulty is a column of the task
    first: Part = 0.1  # the part of its rows that the first step draws from
    until: Until = 0.5  # the part of the run from which it draws from all


class Mixture(Rule):
    """How rows are drawn from the tasks (docs/reference/mixture.md)."""

    method: Literal[Constant, Scheduled]  # the rule by which a step draws rows
    unit: Literal["rows", "tokens"] = "rows"  # what a share is of: the rows of a step, or its tokens
    blocks: dict[str, Steps] = {}  # alternating: steps in a row, in this order
    curriculum: Curriculum | None = None  # curriculum: from which shares to which
    dynamic: Dynamic | None = None  # dynamic: where shares start
    auxiliary: dict[str, Auxiliary] = {}  # tasks that help the others and are not released
    easy_first: dict[str, EasyFirst] = {}  # tasks whose easy rows come first

    @model_validator(mode="after")
    def _sections_belong_to_their_methods(self) -> Mixture:
        sections = {"alternating": "blocks", "curriculum": "curriculum", "dynamic": "dynamic"}
        for method, section in sections.items():
            if (self.method == method) != bool(getattr(self, section)):
                raise ValueError(f"`{section}` is given exactly when method is {method}")
        return self

    @model_validator(mode="after")
    def _auxiliary_tasks_leave_room(self) -> Mixture:
        if self.auxiliary and self.method in get_args(Scheduled):
            raise ValueError(f"`auxiliary` goes with {', '.join(get_args(Constant))}, not with {self.method}")
        total = sum(task.start for task in self.auxiliary.values())
        if total >= 1:
            raise ValueError(f"the auxiliary tasks start with {total:g} of the rows; expected less than 1")
        return self

    def constant(self) -> dict[str, Rule]:
        """The constant mixtures that this one is made of, by their place below `mixture`."""
        if self.curriculum:
            return {"curriculum.start.": self.curriculum.start, "curriculum.end.": self.curriculum.end}
        return {"dynamic.start.": self.dynamic.start} if self.dynamic else {"": self}
