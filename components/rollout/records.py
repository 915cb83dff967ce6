"""What a service is told to serve, what its workers say, and what became of a trial."""

from __future__ import annotations

import math
from functools import reduce
from operator import add
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, FiniteFloat, NonNegativeInt, field_validator

from components.evaluation.answers import Exchange
from components.records import Part, Record
from components.rollout.bets import Bets

SERVICES = Path(".onetrunk/serving")  # of a project: a folder for each service that runs, and in it
PLAN = "plan.json"  # what it is told, and
WORKERS = "worker-*.json"  # what its workers say
FORGOTTEN = 60.0  # seconds after which a plan that nobody has touched is nobody's any more
TRIALS = Path("monitoring/rollout")  # of a project: a file a candidate
ALARM = 0.05  # chance that a candidate which is no worse falls back, over all tests of its trial together
TESTS = ("errors", "slow", "disagreement")
DEATHS = 2  # of workers while a release is at work, after which it is given up; one may be by chance
WORSE = {  # what a test has found, in words
    "errors": "it fails more often",
    "slow": "more than twice as many of its answers are slow",
    "disagreement": "its answers differ too often",
}

Kind = Literal["canary", "shadow"]
State = Literal["running", "passed", "fell back", "stopped"]


class Target(Part):
    """A release as a service loads it."""

    release: str  # its version
    bundle: str  # the folder of its model and its card
    expected: dict[str, Exchange] = Field(default_factory=dict)  # what it answered before it was released


class Trial(Part):
    """A candidate beside the release that answers."""

    kind: Kind  # whether its answers are given to callers
    target: Target  # the candidate
    began: str  # ISO 8601, UTC: which trial of this candidate it is
    share: float  # of the requests
    disagreement: float  # that there may be
    key: str | None = None  # the header by whose value a canary's callers are chosen


class Plan(Record):
    """.onetrunk/serving/SERVICE/plan.json: what a service that runs is to serve; `onetrunk serve` writes it
    anew when that changes."""

    remedy = "start `onetrunk serve` anew"

    champion: Target  # answers
    trial: Trial | None = None  # and what is tried beside it


class Counts(Part):
    """What has been seen of a candidate; a worker counts on."""

    model_config = ConfigDict(frozen=False)

    answered: NonNegativeInt = 0  # requests, by it
    others: NonNegativeInt = 0  # meanwhile, by the release beside it
    compared: NonNegativeInt = 0  # texts that both answered
    died: NonNegativeInt = 0  # workers, while it was at work in them
    # whether it fails, is slow or answers otherwise too often
    tests: dict[str, Bets] = Field(default_factory=lambda: {name: Bets() for name in TESTS})

    @field_validator("tests")
    @classmethod
    def _are_all(cls, given: dict[str, Bets]) -> dict[str, Bets]:
        if given.keys() != set(TESTS):
            raise ValueError(f"found {', '.join(given) or 'none'}, expected {', '.join(TESTS)}")
        return given

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            answered=self.answered + other.answered,
            others=self.others + other.others,
            compared=self.compared + other.compared,
            died=self.died + other.died,
            tests={name: Bets.together((self.tests[name], other.tests[name])) for name in TESTS},
        )

    def worse(self) -> str | None:
        """In what the candidate is worse for sure, in words; None where nothing shows that. Three tests share
        the ALARM; what workers die of needs none."""
        found = [name for name in TESTS if self.tests[name].capital >= len(TESTS) / ALARM]
        said = [WORSE[name] for name in found]
        if self.died >= DEATHS:
            said.append(f"{self.died} workers have died while it was at work")
        return "; ".join(said) or None

    @property
    def differ(self) -> float | None:
        """Of the texts that both answered, the share that it answered otherwise; None of none."""
        mean = self.tests["disagreement"].mean
        return None if mean is None or math.isnan(mean) else mean

    def said(self) -> str:
        """In short, for a line of a table."""
        differ = "" if self.differ is None else f", of which {self.differ:.1%} differ"
        return f"{self.answered:,} requests answered, {self.compared:,} texts compared{differ}"


class WorkerReport(Record):
    """.onetrunk/serving/SERVICE/worker-NUMBER.json: what a worker of a service says of itself."""

    remedy = PLAN

    serving: str  # the release that answers
    bundle: str | None = None  # the folder of its model and its card
    trying: str | None = None  # the candidate, if it is loaded
    refused: dict[str, str] = Field(default_factory=dict)  # version -> why it was not loaded
    counts: dict[str, Counts] = Field(default_factory=dict)  # by when the trial began


class TrialReport(Record):
    """monitoring/rollout/VERSION.json: what became of a candidate in traffic, which is remembered; the tag of
    a trial has it as its message."""

    remedy = "remove it, and the candidate is tried again"

    candidate: str  # its version
    bundle: str  # digest of its card
    beside: str  # the version that answered beside it
    promotion: int  # the number of the tag that made it the champion; 0 where the settings name it
    kind: Kind  # whether its answers are given to callers
    share: FiniteFloat  # of the requests
    state: State  # what it came to so far
    why: str | None = None  # it fell back, was stopped, or is not loaded
    began: str  # ISO 8601, UTC; which trial of the candidate it is
    ended: str | None = None  # when it passed, fell back or was stopped
    counts: dict[str, Counts] = Field(default_factory=dict)  # by service, each of which knows its own

    @property
    def total(self) -> Counts:
        """What all services have seen."""
        return reduce(add, self.counts.values(), Counts())

    @property
    def said(self) -> str:
        """In words, on a line."""
        why = f" ({' '.join(self.why.split())})" if self.why else ""  # of an error, it may have paragraphs
        return f"{self.kind} beside {self.beside}: {self.state}{why}, {self.total.said()}"
