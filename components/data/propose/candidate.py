"""A plan: which family, and which column plays which of its roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from components import families
from components.data.propose.details import Details, details_of
from components.data.propose.profile import Column, Fields
from components.data.propose.roles import Fit
from components.data.sources.formats import value_at
from components.families.base import Row


@dataclass(frozen=True)
class Wishes:
    """What the user has settled."""

    name: str | None = None
    family: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)  # role -> column


@dataclass(frozen=True)
class Plan:
    """A family, the column of each of its roles, and how well they fit."""

    family: str
    columns: dict[str, Column]
    fits: dict[str, Fit]

    @property
    def score(self) -> float:
        return sum(each.score for each in self.fits.values())

    @property
    def inputs(self) -> dict[str, Column]:
        roles = families.get(self.family).input_roles()
        return {role: column for role, column in self.columns.items() if role in roles}

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
        return {role: value_at(fields, column.name) for role, column in self.columns.items()}

    def read(self, fields: Fields) -> Row:
        """A row of the file as the family reads it.

        Raises:
            BadRowError: it cannot.
        """
        family, record = families.get(self.family), self.record(fields)
        row = family.read_input(record, self.options)
        return {**row, **family.read_target(record, row, self.options)}
