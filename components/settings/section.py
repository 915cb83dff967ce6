"""What the sections of params.yaml have in common.

The comment beside a key, or right above it, is its line in docs/reference/settings.md: `make docs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator


@dataclass(frozen=True)
class Unit:
    """What a number counts, for the reader: "steps"."""

    name: str


Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(gt=0)]
Bytes = Annotated[Positive, Unit("bytes")]
Days = Annotated[int, Field(gt=0, le=36_500), Unit("days")]  # a hundred years: dates have an end
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
        if found := truth_for_number(cls, given):
            raise ValueError(found)
        return given


def truth_for_number(settings: type[BaseModel], given: Any) -> str | None:
    """What is wrong, as a clause, where one of these settings is a number and true or false is given."""
    for name, field in settings.model_fields.items() if isinstance(given, Mapping) else ():
        if any(isinstance(one, PlainValidator) for one in field.metadata):  # which looks itself
            continue
        value = given.get(field.alias or name)
        for key, one in value.items() if isinstance(value, Mapping) else (("", value),):
            if isinstance(one, bool) and _is_number(field.annotation, of_each=bool(key)):
                place = f"{field.alias or name}{key and f'.{key}'}"
                expected = "a number; YAML reads yes, no, on and off as true and false"
                return f"{place}: found {str(one).lower()}, expected {expected}"
    return None


def _is_number(annotation: Any, of_each: bool) -> bool:
    """Does a key take a number, and neither true nor false; or its keys, where it has some, each?"""
    parts, origin = get_args(annotation), get_origin(annotation)
    if origin is Annotated:
        return _is_number(parts[0], of_each)
    if origin in (Union, UnionType):
        return bool not in parts and any(_is_number(part, of_each) for part in parts)
    if of_each:
        return origin is dict and _is_number(parts[1], of_each=False)
    return annotation in (int, float)
