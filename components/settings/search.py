"""What params.yaml says of a search: which settings it tries, over which values, how often."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import Field, PlainValidator, field_validator, model_validator

from components.settings.section import Positive, Section, Unit

KINDS = ({"low", "high"}, {"low", "high", "log"}, {"choices"}, {"simplex"}, {"simplex", "ratio"})


def _number(value: Any) -> int | float:
    """A finite number, one that YAML takes for text among them: 1e-5 has no dot."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError("expected a number")
    return number


Number = Annotated[int | float, PlainValidator(_number)]


EXAMPLE = "training.learning_rate: {low: 1.0e-5, high: 1.0e-3, log: true}"


class Range(Section):
    """The values of one setting: numbers between two ends, one of a list, or weights that sum to 1.

    Numbers are whole where both ends are written as whole numbers.
    """

    low: Number = 0  # the lower end
    high: Number = 0  # the upper end
    log: bool = False  # uniform in the logarithm
    choices: Annotated[list[Any], Field(min_length=1)] = []  # YAML values, whole sections among them
    simplex: Annotated[list[str], Field(min_length=2)] = []  # the names that have a weight each
    ratio: Annotated[float, Field(gt=1)] = 16.0  # simplex: the largest weight over the smallest, at most

    @model_validator(mode="before")
    @classmethod
    def _names_its_values(cls, given: Any) -> Any:
        keys = given if isinstance(given, dict) else {}
        if any(isinstance(value, dict) for key, value in keys.items() if key not in cls.model_fields):
            raise ValueError(f"expected the values of one setting, named by its whole path, as `{EXAMPLE}`")
        if not isinstance(given, dict | Range):
            raise ValueError("expected values to try, as {low: 1.0e-5, high: 1.0e-3} or {choices: [1, 2, 3]}")
        return given

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Range:
        given = self.model_fields_set
        if given not in KINDS:
            found = " and ".join(sorted(given)) or "nothing"
            raise ValueError(f"found {found}; expected low and high, with log or not, or choices, or simplex")
        return self

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> Range:
        if "low" not in self.model_fields_set:
            return self
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"low is {self.low:g}; expected more than 0, since log is true")
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Range:
        for values in (self.choices, self.simplex):
            if any(value in values[:place] for place, value in enumerate(values)):
                raise ValueError(f"found {values}; expected each once")
        return self

    @property
    def whole(self) -> bool:
        """Are its numbers whole?"""
        return isinstance(self.low, int) and isinstance(self.high, int)


class Search(Section):
    """A search by name (docs/how-to/search.md)."""

    parameters: dict[str, Range]  # dotted path -> its values, one or more
    trials: Annotated[Positive, Unit("trials")] = 20  # how many are tried
    # after this many full trials a worse one is ended early
    prune_after: Annotated[Positive, Unit("trials")] = 5

    @field_validator("parameters", mode="before")
    @classmethod
    def _names_its_settings(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not given:
            raise ValueError(f"expected a setting or several, each with its values, as `{EXAMPLE}`")
        return given
