"""Folders that stages depend on even where they hold nothing, and what is no longer wanted in them."""

import shutil
from collections.abc import Collection
from pathlib import Path

from components.settings.compression import COMPRESSED

NOTES = {  # of folders that may hold nothing else
    "downloads": "What packages and remotes of params.yaml bring; the pipeline fills it.\n",
    "accepted": "Rows that `onetrunk feedback accept` has made of feedback; git or `dvc add` keeps them.\n",
    COMPRESSED.as_posix(): "Smaller encoders that the stage `compress` makes, if params.yaml says so.\n",
}


def make_folders(root: Path = Path()) -> None:
    """The stages `encoder`, `declare` and `package` depend on them; DVC warns of a folder that is empty."""
    for folder, text in NOTES.items():
        note = root / folder / "README.txt"
        if not note.is_file():
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(text)


def drop_compressed(kept: Collection[str]) -> None:
    """Remove smaller encoders that params.yaml no longer names; they would be taken for today's."""
    for folder in COMPRESSED.iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder)
