"""What ingest writes down of the rows that it read, in data/TASK/ingest.json; validation reports it."""

from __future__ import annotations

from pydantic import Field

from components.records import Part

INGEST = "ingest.json"


class ReadRows(Part):
    """What ingest read of a source."""

    rows: int  # in all
    skipped: dict[str, int]  # rows that ask nothing, do not count or cannot be read, by reason


class RemovedRow(Part):
    """A row that ingest removed or left out."""

    id: str  # of the row; empty where it was never read
    place: str  # in the source
    text: str  # its beginning, or why it cannot be read


class HeldOutClass(Part):
    """A class that no training row had, since its rows were split away."""

    head: str  # whose class it is
    label: str  # its name
    moved: int  # rows that went to training
    dropped: int  # rows that were left out
    hint: str = ""  # another class whose name is much the same


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
    removed_rows: dict[str, list[RemovedRow]]  # the first of them, by reason, skipped ones included
    held_out: list[HeldOutClass] = Field(default=[])  # classes that the splits had held out whole
    notes: list[str] = Field(
        default=[]
    )  # what is odd in the whole, such as values of the filter that no row has
