"""What people say of answers, as the watch hears it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import sqrt
from typing import NamedTuple

import numpy as np

from components.evaluation.records import HeadEvidence
from components.monitoring.detectors.base import Graded
from components.monitoring.estimates.right_share import (
    chances_of_being_right,
    error_of_their_mean,
    right_of_test_rows,
)

ERRORS = 2.0  # standard errors of what the test rows make expect that are no loss


class Heard(NamedTuple):
    """What feedback says of an answer."""

    task: str
    day: date  # in UTC, on which it came
    right: bool
    probability: float  # that the answer was given


def _nothing(release: str) -> Iterable[Heard]:
    return ()


@dataclass(frozen=True)
class Feedback:
    """Where feedback is, and what still counts as no worse."""

    heard: Callable[[str], Iterable[Heard]] = _nothing  # of the answers of a release
    margins: Mapping[str, float] = field(default_factory=dict)  # by task, in shares


def by_window(ends: Sequence[date], heard: Iterable[Heard]) -> list[list[Heard]]:
    """What was heard up to the last day of each window, and after that of the one before."""
    found: list[list[Heard]] = [[] for _ in ends]
    for one in heard:
        if one.day <= ends[-1]:
            found[bisect_left(ends, one.day)].append(one)
    return found


def graded(heard: Sequence[Heard], known: Mapping[str, HeadEvidence]) -> Iterator[Graded]:
    """Each beside how often such an answer was right on the test rows; those of a task of which that is not
    known are left out."""
    for one in heard:
        if one.task in known and (bins := known[one.task].reliability):
            expected = float(chances_of_being_right(bins, np.array(one.probability)))
            yield Graded(one.task, one.day, one.right, expected)


def error_of(head: HeadEvidence, heard: Iterable[Heard]) -> float:
    """The standard error of what the test rows make expect: of all of them, or of those as sure as the
    answers that were heard of the head, which may be few. 0 where nothing is expected."""
    sure = np.array([one.probability for one in heard])
    if not (head.reliability and len(sure)):
        return 0.0
    right, answers = right_of_test_rows(head.reliability)
    of_all = sqrt(right * (1 - right) / answers)
    return max(of_all, error_of_their_mean(head.reliability, sure))


def slack(error: float, margin: float) -> float:
    """How much less often right is no loss: the margin, and what the test rows may err by."""
    return margin + ERRORS * error
