"""A smaller encoder that the stage `compress` has taught to have the model's states, by torch."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from components.model.fused import fused
from components.model.packing import packed_states
from components.model.products import lay_out
from components.model.runtimes.base import Runtime, States
from components.model.smaller import made, read

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel


class Compressed(Runtime):
    """In single precision, with the word embeddings and the heads of the model."""

    made_of: str

    def make(self, model: MultiTaskModel, folder: Path, compressed: Path) -> None:
        shutil.copyfile(made(compressed, self.made_of), folder / self.files[0])

    def begin(self, model: MultiTaskModel, folder: Path) -> States:
        encoder = read(model, folder / self.files[0])
        if (states := fused(encoder)) is not None:
            return states
        lay_out(encoder)
        return partial(packed_states, encoder)
