"""What every reader of a source gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.errors import BadRowError

Values = dict[str, Any]  # what a source says of a row, by column or by role
Version = dict[str, Any]  # what tells one version of a remote from another: JSON of its kind


@dataclass(frozen=True)
class Record:
    """One raw row: the split that the source gives it, where it stands, its columns by role."""

    split: str | None
    place: str
    values: Values
    fault: BadRowError | None = None
    """Why it cannot be read or, if a SkippedRowError, is left out."""
