"""What is written down of a window of news."""

from __future__ import annotations

from components.records import Part, Record


class Finding(Part):
    """What a window is, for one topic."""

    negatives: int  # of its articles
    articles: int  # on the topic
    windows: int  # of the history, with articles on the topic
    expected: float | None = None  # negatives; null: too little history for a verdict
    p: float | None = None  # of as many negatives or more, by the history
    q: float | None = None  # p, adjusted for the number of topics (Benjamini & Hochberg 1995)
    surge: bool = False  # q is at most alpha


class Judgement(Record):
    """monitoring/judged/WINDOW.json: what a window was found to be, topic by topic."""

    unversioned = True
    remedy = "restore it, or remove it"

    number: int  # of the window, counted from 1970
    hours: int  # that it lasts
    start: str  # in UTC
    end: str  # in UTC
    model: str  # SHA-256 of the weights that scored its articles
    alpha: float  # of the surges, the share that may be false
    topics: dict[str, Finding]  # by name
    raised: bool  # no surge is left to be raised
