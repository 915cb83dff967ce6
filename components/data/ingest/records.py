"""What ingest writes down of the rows that it read, in data/TASK/ingest.json; validation reports it."""

from __future__ import annotations

from components.records import Part

INGEST = "ingest.json"


class ReadRows(Part):
    """What ingest read of a source."""

    rows: int  # in all
    skipped: dict[str, int]  # rows that ask nothing, by reason


class RemovedRow(Part):
    """A row that ingest removed."""

    id: str  # of the row
    place: str  # in the source
    text: str  # its beginning


class Cleaned(Part):
    """What ingest read and removed."""

    read: ReadRows  # of the source
    removed: dict[str, int]  # rows, by reason
    removed_rows: dict[str, list[RemovedRow]]  # the first of them, by reason
