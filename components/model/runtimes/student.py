"""student: an encoder with fewer blocks that the stage `compress` has taught to have the model's states."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open
from safetensors.torch import load_file

from components.errors import UserError
from components.model.packing import packable, packed_states
from components.model.products import lay_out
from components.model.runtimes.base import Runtime, States
from components.model.smaller import FILE, TAKEN, empty
from components.settings.release import STUDENT

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel


class Student(Runtime):
    """By torch, in single precision, with the word embeddings and the heads of the model."""

    files = (FILE,)

    def make(self, model: MultiTaskModel, folder: Path, compressed: Path) -> None:
        made = compressed / STUDENT / FILE
        if not made.is_file():
            raise UserError("there is none: params.yaml has no compress.student")
        shutil.copyfile(made, folder / FILE)

    def begin(self, model: MultiTaskModel, folder: Path) -> States:
        with safe_open(folder / FILE, framework="numpy") as file:
            taken: list[int] = json.loads(file.metadata()[TAKEN])
        encoder = empty(model, len(taken), taken)
        missing, unknown = encoder.load_state_dict(load_file(folder / FILE), strict=False)
        words = {id(one) for one in model.encoder.get_input_embeddings().parameters()}
        own = {name for name, one in encoder.named_parameters() if id(one) not in words}
        if unknown or own & set(missing):
            raise ValueError(f"{FILE} is of another encoder")
        encoder.eval()
        packable(encoder)  # sets it to pack
        lay_out(encoder)
        return partial(packed_states, encoder)


RUNTIME = Student
