"""What the sections of params.yaml have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """Base of every section: an unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)

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
