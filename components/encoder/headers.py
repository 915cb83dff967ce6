"""What the header of a safetensors file says, and the file with other names in it; no tensor is read.

The format: eight bytes with the header's length, the header as JSON, the tensors
(github.com/huggingface/safetensors, README).
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from components.encoder.place import INDEX, weights
from components.errors import UserError
from components.files import atomic_file, read_json, write_json

LONGEST = 100_000_000  # bytes of a header, by the format
POINTER = b"version https://git-lfs"
METADATA = "__metadata__"
QUANTISED = ("I8", "U8", "I4", "U4", "F8", "F6", "F4")  # how the types of such numbers begin
Header = dict[str, Any]  # name -> {"dtype", "shape", "data_offsets"}


def header(file: Path) -> Header:
    """The names of the file's tensors, with their shapes.

    Raises:
        UserError: it is truncated, or no safetensors file.
    """
    size = file.stat().st_size
    with file.open("rb") as opened:
        begin = opened.read(8)
        length = int.from_bytes(begin, "little")
        text = opened.read(length) if len(begin) == 8 and length <= LONGEST else b""
    if begin and POINTER.startswith(begin):
        raise UserError(f"{file}: a pointer of git-lfs, not the file itself; run `git lfs pull` there")
    try:
        found: Header = {name: one for name, one in json.loads(text).items() if name != METADATA}
        end = 8 + length + max((one["data_offsets"][1] for one in found.values()), default=0)
    except (ValueError, AttributeError, TypeError, LookupError):
        raise UserError(f"{file}: not a safetensors file, or a damaged one") from None
    if end != size:
        raise UserError(f"{file}: {size} bytes, expected {end}; truncated?")
    return found


def names(folder: Path) -> list[str]:
    """The names of all tensors in an encoder's folder."""
    return [name for file in weights(folder) for name in header(file)]


def parameters(folder: Path) -> int:
    """How many numbers they hold.

    Raises:
        UserError: they are quantised.
    """
    found = {name: one for file in weights(folder) for name, one in header(file).items()}
    quantised = [name for name, one in found.items() if one["dtype"].startswith(QUANTISED)]
    if quantised:
        raise UserError(
            f"{folder}: {len(quantised)} of {len(found)} weights are numbers of 8 bits or fewer, the first "
            f"is {quantised[0]}; expected the model as it was before it was quantised"
        )
    return sum(math.prod(one["shape"]) for one in found.values())


def beginnings(found: Iterable[str]) -> str:
    """What names begin with, as far as those with one first part agree: "'bert.encoder.', 'classifier.'"."""
    groups: dict[str, list[list[str]]] = {}
    for name in found:
        parts = name.split(".")
        groups.setdefault(parts[0], []).append(parts[:-1])
    return ", ".join(f"'{'.'.join(_agreed(group))}.'" for group in groups.values())


def _agreed(parts: list[list[str]]) -> list[str]:
    agreed = []
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        agreed.append(column[0])
    return agreed


def without(folder: Path, prefix: str) -> None:
    """Take a wrapper's prefix from the names in an encoder's folder; its files are replaced, not altered."""

    def renamed(name: str) -> str:
        return name.removeprefix(prefix)

    for file in weights(folder):
        _rewrite(file, renamed)
    if (folder / INDEX).is_file():
        index = read_json(folder / INDEX)
        index["weight_map"] = {renamed(name): part for name, part in index["weight_map"].items()}
        write_json(folder / INDEX, index)


def _rewrite(file: Path, renamed: Callable[[str], str]) -> None:
    with file.open("rb") as old, atomic_file(file) as new, new.open("wb") as out:
        said = json.loads(old.read(int.from_bytes(old.read(8), "little")))
        text = json.dumps({name if name == METADATA else renamed(name): said[name] for name in said}).encode()
        text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight
        out.write(len(text).to_bytes(8, "little") + text)
        shutil.copyfileobj(old, out, 1 << 24)
