"""What a detector is.

A detector is a module of this folder with `DETECTOR`, found by its name. It looks at what is known of a
window and says, for each thing that it watches, what speaks for a change: a statistic, a p-value or a bet.
How much is an alarm is not its business (components/monitoring/alarm.py).

Legend: N texts of two times, R draws of which N are the later ones (the first draw is what truly was).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np

from components.records import Part

Counts = tuple[int, int]  # of a window: negatives, articles


class Texts(NamedTuple):
    """What is known of the texts: numbers (or NaN), words (or ""), and sketches."""

    numbers: Mapping[str, np.ndarray]  # column -> N numbers
    words: Mapping[str, np.ndarray]  # column -> N labels, scripts or languages
    sketches_ND: np.ndarray  # one row a text; without columns where there are none


NO_TEXTS = Texts({}, {}, np.zeros((0, 0)))


@dataclass(frozen=True)
class Graded:
    """An answer that somebody has judged."""

    task: str
    day: date  # in UTC, on which that was heard
    right: bool
    expected: float  # how often such an answer is right


class Topic(NamedTuple):
    """The articles on a topic."""

    now: Counts
    before: Sequence[Counts]  # of the windows of its history
    least: int  # of these; with fewer there is no verdict


@dataclass(frozen=True)
class Seen:
    """What is known of a window. A detector says nothing where there is nothing for it to look at."""

    texts: Texts = NO_TEXTS
    later_N: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))  # which are the window's
    answers: Sequence[Sequence[Graded]] = ()  # by windows, the oldest first; the last is this one
    slack: Mapping[str, float] = field(default_factory=dict)  # task -> a loss of right answers that is none
    errors: Mapping[str, float] = field(default_factory=dict)  # task -> standard error of what is expected
    topics: Mapping[str, Topic] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Test:
    """One thing that may have moved: a `Comparison`, a `Tail` or a `Bet`."""

    subject: str  # "sentiment.label"
    words: str  # what has moved and by how much, if it has
    facts: Part | None = None  # what the window's record keeps of it, moved or not


@dataclass(frozen=True, kw_only=True)
class Comparison(Test):
    """Two times are compared."""

    statistic: Callable[[np.ndarray], np.ndarray]  # later_RN -> of each draw; the larger, the more different
    scores_N: np.ndarray | None = None  # of each text: the larger, the more typical of what has moved


@dataclass(frozen=True, kw_only=True)
class Tail(Test):
    """A window is held to a prediction."""

    p: float | None  # of as much or more; None where there is too little for a verdict


@dataclass(frozen=True, kw_only=True)
class Bet(Test):
    """Money is bet on a change, window after window."""

    evidence: float  # an e-detector's value: below w for w windows in the mean, while nothing changes


Detector = Callable[[Seen], Iterator[Test]]


def largest_step(values_N: np.ndarray, later_RN: np.ndarray) -> np.ndarray:
    """The statistic of Kolmogorov and Smirnov, of each draw; a text without a number takes no part."""
    known_N = np.flatnonzero(~np.isnan(values_N))
    order_N = known_N[np.argsort(values_N[known_N], kind="stable")]
    ends_N = np.append(values_N[order_N[1:]] != values_N[order_N[:-1]], True)  # two infinities are equal
    size, later_R = len(order_N), later_RN[:, known_N].sum(axis=1)
    up_R, most_R = np.zeros_like(later_R), np.zeros_like(later_R)
    for seen, (number, is_end) in enumerate(zip(order_N, ends_N, strict=False), 1):
        up_R += later_RN[:, number]
        if is_end:  # up / later - (seen - up) / earlier, times both: whole numbers, so without an error
            np.maximum(most_R, np.abs(size * up_R - seen * later_R), out=most_R)
    return np.asarray(most_R.astype(float) / np.maximum(later_R * (size - later_R), 1))


def chi_square(words_N: np.ndarray, later_RN: np.ndarray) -> np.ndarray:
    """Pearson's statistic of the table of words by times, of each draw; "" takes no part."""
    known = words_N != ""
    later_RN = later_RN[:, known]
    names, codes_N = np.unique(words_N[known], return_inverse=True)
    table_NC = np.eye(len(names))[codes_N]
    later_RC, all_C = later_RN @ table_NC, table_NC.sum(axis=0)
    share_R1 = later_RN.mean(axis=1, keepdims=True) if len(codes_N) else np.zeros((len(later_RN), 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        parts_RC = (later_RC - share_R1 * all_C) ** 2 / (all_C * share_R1 * (1 - share_R1))
    return np.asarray(np.nan_to_num(parts_RC, posinf=0.0).sum(axis=1))
