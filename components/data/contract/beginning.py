"""What a training begins with: the pretrained encoder alone, or the weights of a release besides.

    models/start/champion/beginning.json    for the coming training, by the stage `start`
                          new.json          the rows that the release has not learnt from
                          config.json, model.safetensors    of the release
    models/multitask/beginning.json         what the model has begun with, which its release keeps

Without the stage a training begins with the pretrained encoder.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from components.records import Record
from components.settings.start import STARTS

START = STARTS / "champion"
BEGINNING, NEW = "beginning.json", "new.json"


class Beginning(Record):
    """beginning.json: what a training begins with."""

    remedy: ClassVar[str] = "run `onetrunk run` to make it anew"
    encoder: str  # SHA-256 over the pretrained encoder, with which the first of the releases before it began
    training: str | None = None  # digest of all else that shapes it; null where no stage `start` is asked
    champion: str | None = None  # the release that was served when this was settled
    release: str | None = None  # whose weights it begins with; null: none's
    model: str | None = None  # SHA-256 of those weights
    taken_over: dict[str, str] = Field(default_factory=dict)  # head -> its name in that release
    anew: dict[str, str] = Field(default_factory=dict)  # head -> why it begins anew
    why: str | None = None  # it begins from scratch, where that was to be settled
    of_training: float = 1.0  # of the steps that the budget allows
    replay: float = 1.0  # least share of a task's draws that are of rows which the release has learnt from

    @property
    def sentences(self) -> list[str]:
        """In words, for people."""
        if self.release is None:
            return [f"Training begins from scratch: {self.why}"] if self.why else []
        said = [
            f"Training begins with the weights of {self.release} and gets {self.of_training:.0%} of the steps"
            f" that the budget allows"
        ]
        if self.taken_over:
            said.append(f"taken over besides the encoder: {', '.join(self.taken_over)}")
        return [*said, *(f"{head} begins anew: {why}" for head, why in self.anew.items())]


class NewRows(Record):
    """new.json: the numbers of the training rows whose text a release has not learnt from."""

    remedy: ClassVar[str] = "run `onetrunk run` to make it anew"
    tasks: dict[str, list[int]]  # by task; none of a task that the release does not know


def read(root: Path) -> Beginning | None:
    """What the coming training of a project begins with; None where no stage settles that.

    Raises:
        UserError: the file is torn, or of another version.
    """
    file = root / START / BEGINNING
    return Beginning.read(file) if file.is_file() else None


def new_rows(root: Path) -> dict[str, list[int]]:
    """Task -> the numbers of its new rows, where the coming training goes on from a release.

    Raises:
        UserError: the file is missing or torn, or of another version.
    """
    found = read(root)
    return NewRows.read(root / START / NEW).tasks if found and found.release else {}
