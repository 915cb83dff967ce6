"""A plan: which family, and which column plays which of its roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from components import families
from components.data.propose.details import Details, details_of
from components.data.propose.profile import Column, Fields, Numbered
from components.data.propose.roles.base import Fit
from components.data.sources.formats import NUMBERS
from components.data.sources.numbers import Decimal, with_a_point, without_unit
from components.data.sources.record import value_at
from components.errors import BadRowError, SkippedRowError
from components.families.base import Row
from components.spelling import plain


@dataclass(frozen=True)
class Wishes:
    """What the user has settled."""

    name: str | None = None
    family: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # role -> column
    joint: tuple[str, ...] = ()  # columns that are learnt beside, by heads of their own
    decimal: Decimal | None = None  # the decimal sign of numbers that could be read in two ways
    format: str | None = None  # of a file that could be read in two ways


@dataclass(frozen=True)
class Plan:
    """A family, the column of each of its roles, and how well they fit.

    `joint` are further heads over the same rows, by their names: each has the columns of its targets alone.
    """

    family: str
    columns: dict[str, Column]
    fits: dict[str, Fit]
    bonus: float = 0.0  # for columns that fit each other
    joint: Mapping[str, Plan] = field(default_factory=dict)

    @property
    def score(self) -> float:
        return sum(each.score for each in self.fits.values()) + self.bonus

    @property
    def inputs(self) -> dict[str, Column]:
        roles = families.get(self.family).input_roles()
        return {role: column for role, column in self.columns.items() if role in roles}

    @property
    def targets(self) -> dict[str, Column]:
        return {role: column for role, column in self.columns.items() if role not in self.inputs}

    @cached_property
    def details(self) -> Details:
        """The options and labels that the values call for."""
        return details_of(self.family, self.columns)

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """All options of the family: those, and defaults."""
        return families.get(self.family).options.model_validate(self.details.options).model_dump()

    def record(self, fields: Fields) -> Fields:
        """A row of the file -> role: raw value."""
        return {role: _value(fields, column, role) for role, column in self.columns.items()}

    @property
    def measured(self) -> list[Column]:
        """The columns that are read as numbers, those of joint heads among them."""
        own = [column for role, column in self.columns.items() if role in NUMBERS]
        return own + [column for head in self.joint.values() for column in head.measured]

    def with_decimal(self, sign: Decimal) -> Plan:
        """The plan with this sign of its numbers' decimals."""
        columns = {role: replace(column, sign=sign) for role, column in self.columns.items()}
        return replace(self, columns=columns)

    def read(self, fields: Fields) -> Row:
        """A row of the file as the family reads it.

        Raises:
            BadRowError: it cannot.
            SkippedRowError: it says that it has no label.
        """
        if self.is_unlabelled(fields):
            raise SkippedRowError("a row that says that it has no label")
        row = families.get(self.family).read_input(self.record(fields), self.options)
        return {**row, **self.read_target(fields, row)}

    def is_unlabelled(self, fields: Fields) -> bool:
        """Does the row say that it has no label?"""
        return any(
            bool(column.unlabelled) and plain(value_at(fields, column.name)) in column.unlabelled
            for column in self.targets.values()
        )

    def read_target(self, fields: Fields, row: Row) -> Row:
        """What a row of the file, whose inputs are read, is to teach.

        Raises:
            BadRowError: the family cannot read it.
        """
        return families.get(self.family).read_target(self.record(fields), row, self.options)

    def readable(self, rows: Numbered) -> list[tuple[Fields, Row]]:
        """The rows that the family can read, as they stand and as it reads them."""
        found = []
        for _, fields in rows:
            try:
                found.append((fields, self.read(fields)))
            except BadRowError:
                continue
        return found

    def rows_of(self, head: str, read: list[tuple[Fields, Row]]) -> list[Row]:
        """Of rows that are read, those that have a target of the joint head, with it."""
        found = []
        for fields, row in read:
            try:
                found.append({**row, **self.joint[head].read_target(fields, row)})
            except BadRowError:
                continue
        return found

    def shown(self, rows: Numbered, most: int) -> list[Row]:
        """The first rows, as people are shown them: a joint head's target has the head's name."""
        shown = []
        for fields, row in self.readable(rows[: 20 * most])[:most]:
            beside = {head: self._beside(head, fields, row) for head in self.joint}
            shown.append({**row, **beside})
        return shown

    def _beside(self, head: str, fields: Fields, row: Row) -> Any:
        plan = self.joint[head]
        try:
            target = plan.read_target(fields, row)
        except BadRowError:
            return None
        return target[families.get(plan.family).target_schema().names[0]]


def _value(fields: Fields, column: Column, role: str) -> Any:
    """Of a column that is made of several, an object; a number as the source's reader gives it."""
    if column.parts:
        return {name: _number(value_at(fields, name), column, role) for name in column.parts}
    return _number(value_at(fields, column.name), column, role)


def _number(value: Any, column: Column, role: str) -> Any:
    if role not in NUMBERS or not isinstance(value, str):
        return value
    bare = without_unit(value, column.unit) if column.unit else value
    return with_a_point(bare, column.decimal) if column.decimal else bare
