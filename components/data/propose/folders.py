"""A folder of files as a project: a task for each file, or for the files that are the splits of one task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.data.propose.file_names import settled, split_of
from components.data.propose.places import (
    Place,
    common_source,
    data_files,
    fits,
    identifier,
    is_data_set,
    pattern,
    place_of,
)

# Names that say nothing, and version numbers: the folder's says more.
GENERIC = re.compile(r"(?i)|data|dataset|rows|file|part|all|v?\d[\d.]*")
ORDER = ("train", "validation", "test")


@dataclass
class Part:
    """Files that make a task: those of each split, or one that has no split."""

    folder: Path  # below which `files` are
    stem: str
    files: dict[str, list[str]] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The one file, or the folder of several."""
        names = [name for of_split in self.files.values() for name in of_split]
        return self.folder / names[0] if len(names) == 1 else self.folder

    @property
    def is_several(self) -> bool:
        """Are they several files, rather than one, or a folder that is a source by itself?"""
        return sum(map(len, self.files.values())) > 1

    @property
    def patterns(self) -> dict[str, str]:
        """The file, or the files, of each split."""
        return {split: pattern(self.files[split]) for split in ORDER if split in self.files}

    def place(self) -> Place:
        """The source as params.yaml names it.

        Raises:
            UserError: its first file is in no known format.
        """
        if self.path != self.folder or not self.files:
            return place_of(self.path)
        source = common_source(self.folder, self.patterns)
        return Place({"path": str(self.folder), "files": self.patterns, **source}, self.folder)


def parts_of(folder: Path) -> dict[str, Part]:
    """The tasks that a folder's files make, by their names."""
    parts: list[Part] = []
    sets: list[Path] = []
    for path in [folder, *sorted(folder.rglob("*"))]:
        if path.is_dir() and not any(path.is_relative_to(outer) for outer in sets) and is_data_set(path):
            sets.append(path)
            parts.append(Part(path, path.name))
    if folder in sets:
        return dict(_named(folder, parts))
    files = [file for file in data_files(folder) if not any(file.is_relative_to(path) for path in sets)]
    for part in _grouped(folder, files):
        parts += [part] if _is_one(part) else _apart(part)
    return dict(_named(folder, parts))


def _grouped(folder: Path, files: list[Path]) -> list[Part]:
    """Files whose names differ in the word of their split, or in the number of a shard, belong together."""
    parts: dict[tuple[str, str], Part] = {}
    for file in files:
        name = file.relative_to(folder)
        split, bare = split_of(str(name.with_suffix("")))
        key = (bare, file.suffix)
        part = parts.setdefault(key, Part(folder, bare))
        part.files.setdefault(split, []).append(str(name))
    for part in parts.values():
        part.files = settled(part.files)
    return list(_joined(list(parts.values())))


def _joined(parts: list[Part]) -> Iterator[Part]:
    """Those of one name, of which each has another split, are one: train.csv and dev.jsonl."""
    for stem in dict.fromkeys(part.stem for part in parts):
        same = [part for part in parts if part.stem == stem]
        splits = [split for part in same for split in part.files]
        if len(same) > 1 and "train" in splits and len(set(splits)) == len(splits):
            files = {split: names for part in same for split, names in part.files.items()}
            same = [Part(same[0].folder, stem, files)]
        yield from same


def _is_one(part: Part) -> bool:
    """One file; or a training file and those of other splits, of which a pattern names no other file."""
    if "train" not in part.files:
        return sum(map(len, part.files.values())) == 1
    return all(len(names) == 1 or fits(part.folder, names) for names in part.files.values())


def _apart(part: Part) -> list[Part]:
    """A task for each of the files."""
    names = [name for of_split in part.files.values() for name in of_split]
    return [Part(part.folder, str(Path(name).with_suffix("")), {"train": [name]}) for name in names]


def _named(folder: Path, parts: list[Part]) -> Iterator[tuple[str, Part]]:
    """Each part by a name of its own: the file's, the folder's where that says nothing, or both."""
    taken: set[str] = set()
    for part in parts:
        stem = Path(part.stem)
        own = stem.name.strip("-_. ")
        own = own if not GENERIC.fullmatch(own) else stem.parent.name or folder.name
        suffix = part.path.suffix[1:]
        choices = [
            own,
            "_".join(stem.parts) or own,
            f"{own}_{suffix}",
            *(f"{own}_{n}" for n in range(2, 1000)),
        ]
        name = next(each for each in map(identifier, choices) if each not in taken)
        taken.add(name)
        yield name, part


def is_task(part: Part, tasks: Mapping[str, Any]) -> bool:
    """Does one of the tasks, as params.yaml has them, read the part's rows already?"""
    sources = [keys["source"] for keys in tasks.values()]
    own = [source for source in sources if part.path in (Path(source["path"]), _training_file(source))]
    return bool(own) and (
        part.path != part.folder or any(source.get("files") == part.patterns for source in own)
    )


def _training_file(source: Mapping[str, Any]) -> Path:
    """The one file of a folder, as `parallel` names it."""
    return Path(source["path"], source.get("files", {}).get("train", ""))
