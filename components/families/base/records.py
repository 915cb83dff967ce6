"""What passes between a family and those that call it.

Rows, facts, layouts and predictions are JSON, whose fields each family chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Required, TypedDict

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

Row = dict[str, Any]  # one row of the data contract
Facts = dict[str, Any]  # what a family learnt from the training rows, and its options (JSON)
Layout = dict[str, Any]  # where in the row's tokens its words, choices or windows are (JSON)
Prediction = dict[str, Any]  # what the model says of one row (JSON), e.g. {"label": ..., "probability": ...}
Sequence1 = str | tuple[str, str]  # what the encoder reads at once: a text, or two with a separator

COMMON = ("id", "group", "difficulty", "slice")  # roles that every family's rows may have


class Options(BaseModel):
    """What params.yaml may set under a task's `options`; a family with options has its own subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ClassCounts(NamedTuple):
    """What was found of a class or type: in the gold, by the model, and by both."""

    name: str
    gold: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """0 where it was not found."""
        return self.right / max(self.found, 1)

    @property
    def recall(self) -> float:
        """0 where it does not occur."""
        return self.right / max(self.gold, 1)

    @property
    def f1(self) -> float:
        """0 where neither is."""
        return 2 * self.right / max(self.gold + self.found, 1)


class Truncation(TypedDict, total=False):
    """How a text that is too long is cut: arguments of `Tokenizer.enable_truncation`."""

    max_length: Required[int]
    stride: int
    strategy: str
    direction: str


class Turn(BaseModel):
    """One turn of a dialogue."""

    model_config = ConfigDict(extra="forbid")

    role: str
    text: str


class TextRequest(BaseModel):
    """A text, two texts, or a dialogue whose oldest turns are cut where it is too long."""

    text: str
    text_pair: str
    turns: list[str | Turn]


@dataclass(frozen=True)
class Check:
    """One expectation and what its failure means: an error stops the flow, a warning is reported."""

    title: str
    expectation: Expectation
    severity: Literal["error", "warning"] = "error"
