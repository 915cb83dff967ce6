"""Smaller encoders that the stage `compress` makes of the trained model (docs/how-to/runtimes.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from components.settings.section import Fraction, Positive, Section, Unit

COMPRESSED = Path("models/compressed")  # a folder of each that is made


Steps = Annotated[float, Field(gt=0, le=10), Unit("of the training's steps")]


class Taught(Section):
    """How long, and how fast, a smaller encoder learns to have the model's states."""

    example: ClassVar[str]  # of the section, in a sentence

    of_training: Steps = 0.5  # that it learns
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4  # at its highest


class Student(Taught):
    """An encoder with fewer blocks that learns to have the model's states, for all tasks at once."""

    example = "{layers: NUMBER}"

    layers: Annotated[Positive, Unit("blocks")]  # fewer than the encoder has


class Pruned(Taught):
    """The encoder without the parts that matter least to the tasks; the rest learns to have its states."""

    example = "{heads: 0.5, neurons: 0.5}"

    heads: Annotated[Fraction, Unit("of all heads of attention")] = 0.5  # that go
    neurons: Annotated[Fraction, Unit("of all neurons of the feed-forward layers")] = 0.5  # that go
    of_training: Steps = 0.25  # that it learns


class Compress(Section):
    """What is made of the model besides: nothing, unless it is named here."""

    student: Student | None = None  # fewer blocks, taught by the model
    pruned: Pruned | None = None  # narrower blocks, taught by the model

    @field_validator("student", "pruned", mode="before")
    @classmethod
    def _none_is_left_out(cls, given: Any, field: ValidationInfo) -> Any:
        """A key that is there is a stage of the pipeline, whatever it holds."""
        if given is None:
            example = EXAMPLES[str(field.field_name)]
            raise ValueError(f"expected {example}; leave the key out for no {field.field_name}")
        return given


EXAMPLES = {"student": Student.example, "pruned": Pruned.example}
