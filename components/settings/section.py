"""What the sections of params.yaml have in common.

The comment beside a key, or right above it, is its line in docs/reference/settings.md: `make docs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


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


class Section(BaseModel):
    """Base of every section: an unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
