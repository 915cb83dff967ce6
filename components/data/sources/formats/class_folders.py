"""A folder for each class, with a file for each text, as IMDB's reviews and 20 Newsgroups are laid out."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Skipped
from components.errors import UserError
from components.settings.data import Source

SUFFIXES = ("", ".txt")
LOOKED = 50  # files of a folder by which it is recognised


def read_folders(path: Path, source: Source) -> Numbered:
    """`id` (the file below the folder), `text`, and `label`, the name of the folder that it lies in."""
    if not path.is_dir():
        raise UserError(f"{path}: a file, expected the folder with a folder for each class")
    files = (file for folder in _folders(path) for file in sorted(folder.iterdir()) if _is_text(file))
    number = 0
    for number, file in enumerate(files, 1):
        text = "".join(lines(file, source.encoding))
        name = file.relative_to(path).as_posix()
        empty = Skipped("an empty text")
        yield number, {"id": name, "text": text, "label": file.parent.name} if text.strip() else empty
    if not number:
        raise UserError(f"{path}: no folder of texts in it, expected one for each class: CLASS/NAME.txt")


def _folders(path: Path) -> list[Path]:
    return [folder for folder in sorted(path.iterdir()) if folder.is_dir() and folder.name[0] != "."]


def _is_text(file: Path) -> bool:
    return file.is_file() and file.name[0] != "." and (file.suffix in SUFFIXES or file.suffix[1:].isdecimal())


def _is_class(folder: Path) -> bool:
    """Nothing but texts, and several."""
    some = list(islice(folder.iterdir(), LOOKED))
    return len(some) > 1 and all(_is_text(file) for file in some)


def _are_class_folders(sample: Sample) -> bool:
    return sample.path.is_dir() and sum(_is_class(folder) for folder in _folders(sample.path)) > 1


FORMATS = {"class_folders": Format(read_folders, _are_class_folders, general=True)}
