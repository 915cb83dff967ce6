"""Right answers of people to questions of the service that were accepted as rows of a task.

    accepted/TASK.jsonl    {"id": ..., "time": ..., "head": ..., "inputs": {...}, "answer": {...}} each

`onetrunk feedback accept` alone writes them. The stage `declare` hands a copy to `ingest@TASK`, so that DVC
keeps them with the data that were made of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError, field_validator

from components.errors import UserError
from components.families.base import Row
from components.files import atomic_file
from components.records import Part

FOLDER = Path("accepted")


class Accepted(Part):
    """A row that was accepted."""

    id: str  # of the feedback
    time: str  # of its acceptance: ISO 8601, UTC
    head: str  # of the task: whose answer it is
    inputs: Row  # what was asked, by the task's inputs
    answer: Row  # the right one, by the head's targets

    @field_validator("time")
    @classmethod
    def _is_a_time(cls, given: str) -> str:
        try:
            aware = datetime.fromisoformat(given).tzinfo is not None
        except ValueError:
            aware = False
        if not aware:
            raise ValueError(f"found '{given:.40}', expected a time such as 2026-11-29T04:00:00+00:00")
        return given


def spelled(inputs: Row) -> str:
    """Inputs (or an answer) as JSON, equal for equal ones: what was asked, whoever asks."""
    return json.dumps(inputs, sort_keys=True)


def file_of(folder: Path, task: str) -> Path:
    """The file of a task's rows; it need not be there."""
    return folder / f"{task}.jsonl"


def read(file: Path) -> list[Accepted]:
    """The rows of a file, oldest first; none where there is no file.

    Raises:
        UserError: a line is not such a row.
    """
    if not file.is_file():
        return []
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: byte {error.start} is not UTF-8; put the file back from a copy") from None
    return [_parsed(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _parsed(file: Path, number: int, line: str) -> Accepted:
    try:
        return Accepted.model_validate_json(line)
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(map(str, found["loc"]))
        raise UserError(
            f"{file}: line {number}: {f'{where}: ' if where else ''}{found['msg']}; expected a row as "
            f"`onetrunk feedback accept` writes it: put the file back from a copy, or take the line out"
        ) from None


def add(file: Path, rows: Iterable[Accepted]) -> None:
    """Write further rows; those whose id is there already stay as they are. One writer at a time."""
    known = {row.id: row for row in read(file)}
    for row in rows:
        known.setdefault(row.id, row)
    with atomic_file(file) as temporary:
        lines = (json.dumps(row.model_dump(), ensure_ascii=False) + "\n" for row in known.values())
        temporary.write_text("".join(lines), encoding="utf-8", newline="\n")
