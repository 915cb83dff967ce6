"""What the encoder does not see of a task's training rows: encoded/TASK/reading.json."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from components.data.encoding.scripts import Unfamiliar
from components.records import Record

UNKNOWN = 0.2  # of the tokens; more are no stray sign, but another script or another encoder's tokenizer
READING = "reading.json"


class Reading(Record):
    """encoded/TASK/reading.json: how much of the training rows the tokenizer cut off or did not know."""

    rows: int  # of training
    rows_cut: int  # longer than max_length; windows are never cut
    tokens: int  # of these rows, as they are read
    unknown_tokens: int  # that the tokenizer has no other name for
    unfamiliar: list[Unfamiliar] = Field(default_factory=list)  # scripts that the tokenizer does not know

    @property
    def cut(self) -> float:
        """The share of the rows that are cut."""
        return self.rows_cut / max(1, self.rows)

    @property
    def unknown(self) -> float:
        """The share of the tokens that are unknown."""
        return self.unknown_tokens / max(1, self.tokens)


def reading_of(encoded: Path) -> Reading:
    """That of an encoded task's folder.

    Raises:
        UserError: it is missing, torn or of another version.
    """
    return Reading.read(encoded / READING)
