"""What is written down of a window of traffic."""

from __future__ import annotations

from datetime import date

from components.records import Part, Record


class Moved(Part):
    """A thing that has moved."""

    subject: str  # e.g. sentiment.label, characters, wording
    p: float  # adjusted for everything that was tested
    words: str  # what has moved, and by how much
    typical: list[str]  # ids of texts that show it best


class Window(Record):
    """monitoring/shifts/DAY-RELEASE.json: what the texts of a window were found to be."""

    remedy = "remove it: the window is judged again"

    release: str  # whose traffic it is
    first: date
    last: date
    texts: int  # of the window; of a request one
    reference: int  # texts that they were compared with
    days_between_false_alarms: int  # as it was when this was judged
    p: float  # of everything together
    alarm: bool
    moved: list[Moved]
    raised: bool  # nothing is left to be told
