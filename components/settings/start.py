"""What a training begins with: the pretrained encoder or the champion (docs/how-to/retrain.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from components.settings.section import Section, Unit

STARTS = Path("models/start")  # what the stage `start` leaves


class FromChampion(Section):
    """A training that goes on from the champion's weights, and what it is given."""

    # which runs begin so: asked are those that answer a request of `retrain`; the others begin from scratch
    runs: Literal["all", "asked", "unasked"] = "all"
    # how long it is; this default and that of `replay` are not measured (docs/how-to/retrain.md)
    of_training: Annotated[float, Field(gt=0, le=1), Unit("of the training's steps")] = 0.5
    # how much of what a task with new rows draws is at least of rows that the champion has learnt from
    replay: Annotated[float, Field(gt=0, le=1), Unit("of a task's draws")] = 0.5


class Start(Section):
    """From scratch, unless it is said otherwise here."""

    champion: FromChampion | None = None  # from the champion's weights; {} takes every default

    @field_validator("champion", mode="before")
    @classmethod
    def _none_is_left_out(cls, given: Any) -> Any:
        """A key that is there is a stage of the pipeline, whatever it holds."""
        if given is None:
            raise ValueError("expected {} or its keys; leave the key out to begin from scratch")
        return given
