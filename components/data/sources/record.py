"""What every reader of a source gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]  # what a source says of a row, by column or by role
Version = Values  # what tells one version of a remote from another: JSON of its kind

Numbered = Iterator[tuple[int, Mapping[str, Any]]]  # the row's number in its file, its columns


@dataclass(frozen=True)
class Record:
    """One raw row: the split that the source gives it, where it stands, its columns by role."""

    split: str | None
    place: str
    values: Values
    skipped: str = ""  # why the source itself says that this is no row; it has no values then
    unreadable: str = ""  # what is wrong with it, where the format itself can tell
    agreement: float | None = None  # of its annotators, from 0 to 1, where there are several
    accepted: bool = False  # from feedback, not from the source


class Skipped(Values):
    """In the place of a row's columns: a row that the file itself sets aside, and the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Unreadable(Skipped):
    """The same of a row that is wrong."""


def value_at(fields: Mapping[str, Any], name: str) -> Any:
    """The column's value; "a.b" is field b of the object in a. None where this row has none."""
    if name in fields:
        return fields[name]
    first, _, rest = name.partition(".")
    inner = fields.get(first) if rest else None
    return value_at(inner, rest) if isinstance(inner, Mapping) else None
