"""Room on the disk: said before a run begins, rather than by whatever fails first."""

from __future__ import annotations

import shutil
from pathlib import Path

from components.encoder.place import ENCODER
from components.errors import UserError
from components.settings.project import Project

NEEDED = 10_000_000  # bytes: Prefect's database, the logs and the reports
COPIES = 4  # of the encoder, at the least: a checkpoint, the model, its Bento, its release


def of_a_model(project: Project) -> int:
    """Bytes that a training and a release take at the least; 0 where the encoder is not here yet."""
    own = [Path(project.model.encoder)] if isinstance(project.model.encoder, str) else []
    folder = next((folder for folder in (*own, ENCODER) if folder.is_dir()), ENCODER)
    return COPIES * sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def require_room(root: Path, more: int = 0) -> None:
    """Check that the project's disk has room for a run, and for `more` bytes that it will write.

    Raises:
        UserError: it has not, with what is left.
    """
    free, needed = shutil.disk_usage(root).free, NEEDED + more
    if free < needed:
        raise UserError(
            f"{root}: {free / 1e6:.1f} MB free on this disk, and a run needs {needed / 1e6:.0f} and more; "
            "free some space, then give the same command again"
        )
