"""What a runtime must offer: a file of this folder with a class called RUNTIME, known by the file's name."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import TYPE_CHECKING

from components.model.packing import States

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel

__all__ = ["TOKENS_PER_PASS", "Runtime", "States"]

TOKENS_PER_PASS = 512  # of a service: more is hardly faster by eager on a CPU, and others wait longer


class Runtime(abc.ABC):
    """One way to compute the states of packed sequences."""

    packages: tuple[str, ...] = ()  # modules that it imports to answer
    makers: tuple[str, ...] = ()  # modules that it imports to make its files
    extra: str | None = None  # of this program, which brings them
    files: tuple[str, ...] = ()  # that it makes, beside the model's
    tokens_per_pass = TOKENS_PER_PASS  # of a service
    made_of: str | None = None  # the smaller encoder that it computes: its key in `compress`

    def why_not(self) -> str | None:
        """Why this machine cannot do it, its packages aside; None where it can."""
        return None

    def make(self, model: MultiTaskModel, folder: Path, compressed: Path) -> None:  # noqa: B027 some have none
        """Write its files of a model, whose encoder packs, into a folder. Leaves the model as it was.
        `compressed` holds what the stage `compress` has made of it, in a folder each."""

    @abc.abstractmethod
    def begin(self, model: MultiTaskModel, folder: Path) -> States:
        """The states by this runtime, of the model in a folder with its files. Leaves the model as it was."""
