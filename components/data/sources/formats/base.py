"""What a file format is, and what it is recognised by.

A format is a module of this folder with `FORMATS`, the formats that it reads, by the names that params.yaml
gives them. Adding one adds a module and touches no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from components.data.sources.record import Numbered, Values
from components.settings.data import Source

BEGINNING = 1_000_000  # bytes of a file that a format is recognised by
OBJECTS = 200  # of these, at most


@dataclass(frozen=True)
class Sample:
    """The beginning of a file, or a folder, which has none."""

    path: Path
    data: bytes

    @classmethod
    def of(cls, path: Path) -> Sample:
        """Read it (OSError where that cannot be)."""
        if path.is_dir():
            return cls(path, b"")
        with path.open("rb") as file:
            return cls(path, file.read(BEGINNING))

    @cached_property
    def text(self) -> str:
        """As UTF-8, without a byte order mark; what is none is replaced."""
        return self.data.decode("utf-8", "replace").removeprefix("\ufeff")

    @cached_property
    def lines(self) -> list[str]:
        """The whole lines, without their ends."""
        lines = self.text.split("\n")
        whole = lines[:-1] if len(self.data) == BEGINNING else lines
        return [line.removesuffix("\r") for line in whole]

    @cached_property
    def objects(self) -> list[Values]:
        """The first JSON objects, of JSON Lines or of one list; none where it is neither."""
        start = self.text.lstrip()
        if start.startswith("["):
            return _of_list(start[1:])
        found: list[Values] = []
        for line in self.lines:
            if not line.strip():
                continue
            one = _parsed(line)
            if not isinstance(one, dict) or len(found) == OBJECTS:
                break
            found.append(one)
        return found


@dataclass(frozen=True)
class Format:
    """How a kind of file becomes rows, and whether the beginning of one looks like it."""

    read: Callable[[Path, Source], Numbered]
    looks_like: Callable[[Sample], bool] = lambda sample: False
    general: bool = False  # what another format says of a file counts more
    binary: bool = False  # its bytes are no text in some encoding


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_list(text: str) -> list[Values]:
    """The objects at the beginning of a list, whose bracket is left out."""
    decoder, place = json.JSONDecoder(), 0
    found: list[Values] = []
    while len(found) < OBJECTS:
        place += len(text[place:]) - len(text[place:].lstrip(", \r\n\t"))
        try:
            one, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            break
        if not isinstance(one, dict):
            break
        found.append(one)
    return found
