"""What the sections of params.yaml have in common.

The comment beside a key, or right above it, is its line in docs/reference/settings.md: `make docs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


@dataclass(frozen=True)
class Unit:
    """What a number counts, for the reader: "steps"."""

    name: str


Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Bytes = Annotated[Positive, Unit("bytes")]
Characters = Annotated[Positive, Unit("characters")]
Evaluations = Annotated[Positive, Unit("scheduled evaluations")]
Rows = Annotated[Positive, Unit("rows")]
Steps = Annotated[Positive, Unit("steps")]
Tokens = Annotated[Positive, Unit("tokens")]
Given = dict[str, Any]  # JSON whose keys a family or a method knows, and checks


class Section(BaseModel):
    """Base of every section: an unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _yes_is_no_number(cls, given: Any) -> Any:
        """pydantic would take true for 1."""
        for name, field in cls.model_fields.items():
            value = given.get(name) if isinstance(given, dict) else None
            if isinstance(value, bool) and field.annotation in (int, float):
                expected = "a number; YAML reads yes, no, on and off as true and false"
                raise ValueError(f"{name}: found {str(value).lower()}, expected {expected}")
        return given
