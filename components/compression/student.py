"""A student begins with some of the model's blocks, evenly taken (DistilBERT, Sanh et al. 2019)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from components.compression.distil import teach
from components.errors import UserError
from components.model import saving
from components.model.blocks import blocks
from components.model.smaller import save, with_blocks
from components.settings.compression import Student


def make(settings: Student, root: Path, seed: int, target: Path, say: Callable[[str], None]) -> None:
    """Teach a student of the model of the project in `root` and write it into the folder `target`.

    Raises:
        UserError: the encoder has not so many blocks, or cannot be made smaller so.
    """
    torch.manual_seed(seed)
    teacher = saving.load(root / saving.MODEL).requires_grad_(False)
    taken = taken_of(len(blocks(teacher.encoder)), settings.layers)
    student = with_blocks(teacher, taken)
    teach(teacher, student, settings, root, seed, say)
    save(teacher, student, taken, target)


def taken_of(blocks: int, layers: int) -> list[int]:
    """The numbers of so many blocks, evenly taken, the last among them.

    Raises:
        UserError: there are not more than so many.
    """
    if layers >= blocks:
        raise UserError(f"params.yaml: compress.student.layers: found {layers}, expected fewer than {blocks}")
    return [round((number + 1) * blocks / layers) - 1 for number in range(layers)]
