"""What a project knows of its releases in traffic, for the page of a service's operator."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from components.records import Part, Record
from components.rollout.records import Kind, State

HISTORY = "history.json"  # beside the plan of a service
MOST = 30  # of each list, the newest first


class Reign(Part):
    """What made a release the champion."""

    release: str  # its version
    since: str  # ISO 8601, UTC
    action: str  # release, promote or rollback
    why: str  # in the words of who did it
    verdict: str  # of the gate, and why it was released all the same
    because: str | None  # what asked for its training
    report: str | None = None  # the page of its evaluation, a file on this machine


class Tried(Part):
    """What became of a candidate in traffic."""

    release: str  # its version
    beside: str  # the version that answered beside it
    kind: Kind  # whether its answers are given to callers
    share: float  # of the requests
    state: State  # what it came to so far
    why: str | None  # it fell back or was stopped
    began: str  # ISO 8601, UTC
    answered: int  # requests, by it
    compared: int  # texts that both answered
    differ: float | None  # of these, the share that it answered otherwise


class Drift(Part):
    """What the texts and answers of some days were found to be."""

    first: date  # in UTC
    last: date  # in UTC
    release: str  # whose traffic it is
    texts: int  # of these days; of a request one
    alarm: bool  # something has moved
    p: float  # of everything together
    moved: list[str]  # in words
    worse: list[str]  # tasks that feedback has shown to be worse


class History(Record):
    """.onetrunk/serving/SERVICE/history.json: what the operator's page of a service shows of its project."""

    remedy = "start `onetrunk serve` anew"

    champions: list[Reign] = Field(default_factory=list)  # the newest first, as in all of these
    trials: list[Tried] = Field(default_factory=list)  # of candidates in traffic
    drift: list[Drift] = Field(default_factory=list)  # the days that were judged
