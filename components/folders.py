"""Folders that stages depend on even where they hold nothing, and what is no longer wanted in them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError
from components.files import sample, strangers
from components.settings.compression import COMPRESSED
from components.settings.start import STARTS

if TYPE_CHECKING:
    from components.settings.project import Project

NOTES = {  # of folders that may hold nothing else
    "downloads": "What packages and remotes of params.yaml bring; the pipeline fills it.\n",
    "accepted": "Rows that `onetrunk feedback accept` has made of feedback; git or `dvc add` keeps them.\n",
    COMPRESSED.as_posix(): "Smaller encoders that the stage `compress` makes, if params.yaml says so.\n",
    STARTS.as_posix(): "The release that a training goes on from, if params.yaml says so.\n",
}


def make_folders(root: Path = Path()) -> None:
    """The stages `encoder`, `declare`, `package`, `plan` and `train` depend on them; DVC warns of a folder
    that is empty."""
    for folder, text in NOTES.items():
        note = root / folder / "README.txt"
        if not note.is_file():
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(text)


def left_over(project: Project, root: Path = Path()) -> list[Path]:
    """What a key has made that params.yaml no longer has; it would be taken for today's."""
    wanted: Mapping[Path, object] = {COMPRESSED: project.compress, STARTS: project.start}
    return [
        folder
        for place, section in wanted.items()
        if (root / place).is_dir()
        for folder in sorted((root / place).iterdir())
        if _is_made(folder) and getattr(section, folder.name, None) is None
    ]


def drop_left_over(project: Project, root: Path = Path()) -> None:
    """Remove that.

    Raises:
        UserError: a file in it was not made by this program.
    """
    for folder in left_over(project, root):
        if foreign := strangers(folder):
            raise UserError(
                f"{sample(foreign)}: not made by this program, and params.yaml names nothing that is made in "
                f"{folder}, so it would be removed; move it elsewhere, then give the same command again"
            )
        shutil.rmtree(folder)


def _is_made(folder: Path) -> bool:
    """Not a file, nor what is hidden: what a killed process has half written is swept."""
    return folder.is_dir() and not folder.name.startswith(".")
