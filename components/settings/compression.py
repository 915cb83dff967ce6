"""Smaller encoders that the stage `compress` makes of the trained model (docs/how-to/runtimes.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from components.settings.section import Positive, Section, Unit

COMPRESSED = Path("models/compressed")  # a folder of each that is made


class Student(Section):
    """An encoder with fewer blocks that learns to have the model's states, for all tasks at once."""

    layers: Annotated[Positive, Unit("blocks")]  # fewer than the encoder has
    of_training: Annotated[float, Field(gt=0, le=10), Unit("of the training's steps")] = 0.5  # that it learns
    learning_rate: Annotated[float, Field(gt=0)] = 3e-4  # at its highest


class Compress(Section):
    """What is made of the model besides: nothing, unless it is named here."""

    student: Student | None = None  # fewer blocks, taught by the model

    @field_validator("student", mode="before")
    @classmethod
    def _none_is_left_out(cls, given: Any) -> Any:
        """A key that is there is a stage of the pipeline, whatever it holds."""
        if given is None:
            raise ValueError("expected {layers: NUMBER}; leave the key out for no student")
        return given
