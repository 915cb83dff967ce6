"""What every reader of a source gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Values = dict[str, Any]  # a raw row: what its columns hold, of whatever type


@dataclass(frozen=True)
class Record:
    """One raw row: the split that the source gives it, where it stands, its columns by role."""

    split: str | None
    place: str
    values: Values
