"""What is written down of a window of traffic."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from components.evaluation.difference import Interval
from components.records import Part, Record


class Moved(Part):
    """A thing that has moved."""

    subject: str  # e.g. sentiment.label, characters, wording; of feedback the task
    p: float | None = None  # adjusted for everything that was tested; what feedback says has none
    words: str  # what has moved, and by how much
    typical: list[str]  # ids of texts that show it best, where it is one of texts


class Share(Part):
    """An estimate of a share."""

    value: float  # the likeliest
    interval: Interval | None = None  # with 95 %; null where nothing is known of it


class Quality(Part):
    """What feedback has said of a task's answers since its release."""

    answers: int  # that were judged
    right: int  # of them
    expected: float  # so many were to be right, as often as those of the test rows
    less: Interval  # the share that is right less than expected: 95 %, at this look as at every other
    evidence: float  # against "as before"; compared with the windows between two false alarms


class Window(Record):
    """monitoring/shifts/DAY-RELEASE.json: what the texts of a window were found to be."""

    remedy = "remove it: the window is judged again"

    release: str  # whose traffic it is
    first: date  # its first day, in UTC
    last: date  # and its last
    texts: int  # of the window; of a request one
    reference: int  # texts that they were compared with
    days_between_false_alarms: int  # as it was when this was judged
    p: float  # of everything together that has one
    alarm: bool  # something has moved
    moved: list[Moved]  # what has
    raised: bool  # nothing is left to be told
    # what follows is none in a file of before
    shares: dict[str, dict[str, Share]] = Field(default_factory=dict)  # task -> label -> its true share
    right: dict[str, Share] = Field(default_factory=dict)  # task -> answers that are right, by an estimate
    right_before: dict[str, float] = Field(default_factory=dict)  # task -> likewise, of the test rows
    quality: dict[str, Quality] = Field(default_factory=dict)  # task -> by feedback
    worse: list[str] = Field(default_factory=list)  # tasks that feedback has shown to be worse

    @property
    def shifted(self) -> list[Moved]:
        """What has moved of the texts; what feedback says has no p-value. Subjects do not tell them apart: a
        task may be called `language`, as what is watched of texts is."""
        return [one for one in self.moved if one.p is not None]
