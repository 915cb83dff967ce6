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


class SpanPlaces(Part):
    """Whether spans begin and end between words."""

    spans: int  # in all
    cut: int  # that begin or end inside a word
    first: str  # where the first of these stands, and what it is
    advice: str  # the setting that reads them, if there is one


class Crowd(Part):
    """Texts that several annotators have answered."""

    rows: int  # such texts
    agreement: float  # mean F1 of two annotators' answers, from 0 to 1


class Cleaned(Part):
    """What ingest read and removed."""

    read: ReadRows  # of the source
    spans: SpanPlaces | None = None  # null where there are none
    crowd: Crowd | None = None  # null where one person has annotated each text
    removed: dict[str, int]  # rows, by reason
    removed_rows: dict[str, list[RemovedRow]]  # the first of them, by reason
