"""Commands that the program suggests: each can be pasted into a shell whatever a file is called."""

from __future__ import annotations

import shlex
from pathlib import Path


def word(value: object) -> str:
    """A file, a folder or a name as a word of a command: quoted where it must be, and no option."""
    text = str(value)
    return shlex.quote(f"./{text}" if text.startswith("-") and isinstance(value, Path) else text)


def beside(path: Path, suffix: str) -> Path:
    """A file to write next to `path`: with its name and this suffix, and not there yet."""
    names = [path.stem, f"{path.stem}.new", *(f"{path.stem}.new{number}" for number in range(2, 1000))]
    free = (path.with_name(f"{name}{suffix}") for name in names)
    return next(file for file in free if not file.exists() and file != path)


def lines_of(path: Path) -> str:
    """The command that writes a JSON file's list as JSON Lines, into another file."""
    return f"jq -c '.[]' {word(path)} > {word(beside(path, '.jsonl'))}"


def documents(path: Path, commas: bool = False) -> str:
    """The sentence for a file of several JSON documents over many lines, or with a comma behind each line."""
    if commas:
        new = word(beside(path, ".jsonl"))
        command = f"sed 's/,\\s*$//' {word(path)} > {new}"
        return f"{path}: a comma behind each line, expected JSON Lines; `{command}` takes them out"
    return (
        f"{path}: several JSON documents, one after the other, expected JSON Lines, one object a line; "
        f"`jq -c . {word(path)} > {word(beside(path, '.jsonl'))}` makes lines of them"
    )


def one_document(path: Path) -> str:
    """The sentence for a file that is one JSON document."""
    return (
        f"{path}: one JSON document, expected JSON Lines, one object a line; the format json reads a list, "
        f"and `{lines_of(path)}` makes lines of it"
    )
