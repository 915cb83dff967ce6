"""Are answers as often right as the test rows made expect? By feedback, and looked at as often as one likes.

An answer is expected to be right as often as the test rows' answers of its probability were; so it does no
harm where those that the model was least sure of are judged first. What is bet on is that it is right less
often, by more than `slack`: of one unit of money, a part λ of what there is each time, for a grid of λ
(Waudby-Smith & Ramdas 2024). The capital of the windows since any day, summed over the days, is an
e-detector (Shin, Ramdas & Rinaldo 2023, of the kind of Shiryaev and Roberts): while nothing has changed, it
reaches `windows` no sooner than after so many windows in the mean, whenever one looks.

What is printed of the difference is a confidence sequence, which knows of how few answers it is, together
with what the test rows may err by, of which there may be few too (Zou & Donner 2008).

People who report what is wrong, and nothing else, choose answers by whether they are right, and against
that no bet is fair. Where hardly any answer that was judged is right, that is what is heard, and no evidence.

Legend: L parts λ, N answers, D differences that are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import hypot

import numpy as np

from components.evaluation.paired import quantile
from components.monitoring.detectors.base import Bet, Graded, Seen
from components.monitoring.traffic.records import Quality

PARTS_L = np.linspace(0.05, 0.95, 10)  # of the money
LEVEL = 0.95  # of the confidence sequence
COMPLAINTS = 0.2  # of the right answers that were expected: with fewer, what is heard is complaints
STEPS_D = np.linspace(-1, 1, 201)  # differences
EXACT: Mapping[str, float] = {}


def _tests(seen: Seen) -> Iterator[Bet]:
    for task, known in judge(seen.answers, seen.slack, seen.errors).items():
        yield Bet(subject=task, words=said(task, known), evidence=known.evidence, facts=known)


def said(task: str, known: Quality) -> str:
    """What is known of a task, in words."""
    low, high = (f"{100 * end:.0f}" for end in known.less)
    return (
        f"{task}: of {known.answers:,} answers that were judged {known.right:,} are right, "
        f"{known.expected:,.0f} were expected ({low} to {high} in 100 less, with 95 % at every look)"
    )


def judge(
    windows: Sequence[Sequence[Graded]], slack: Mapping[str, float], errors: Mapping[str, float] = EXACT
) -> dict[str, Quality]:
    """task -> what is known of it after these windows, the oldest first; one without an answer of a task does
    not count for it. `errors` are standard errors of what the test rows make expect."""
    tasks = sorted({one.task for window in windows for one in window})
    return {
        task: _of_task(_with(task, windows), slack.get(task, 0.0), errors.get(task, 0.0)) for task in tasks
    }


def _with(task: str, windows: Sequence[Sequence[Graded]]) -> list[list[Graded]]:
    own = [[one for one in window if one.task == task] for window in windows]
    return [window for window in own if window]


def _of_task(windows: Sequence[Sequence[Graded]], slack: float, error: float) -> Quality:
    graded = [one for window in windows for one in window]
    right, expected = sum(one.right for one in graded), sum(one.expected for one in graded)
    return Quality(
        answers=len(graded),
        right=right,
        expected=expected,
        less=_less(_shortfalls(graded), error),
        evidence=evidence(windows, slack) if right >= COMPLAINTS * expected else 0.0,
    )


def evidence(windows: Sequence[Sequence[Graded]], slack: float) -> float:
    """The e-detector's value after these windows of a task."""
    capital_L = np.zeros(len(PARTS_L))
    for window in windows:
        log_L = _log_capital(_shortfalls(window) - slack, 1 + slack)
        capital_L = ((capital_L + 1) * np.exp(log_L.clip(max=300))).clip(max=1e300)
    return float(capital_L.mean())


def _shortfalls(graded: Sequence[Graded]) -> np.ndarray:
    """Of each answer, expected less right: from -1 to 1, 0 in the mean where all is as it was."""
    return np.array([one.expected - one.right for one in graded], dtype=float)


def _log_capital(gains_N: np.ndarray, most: float) -> np.ndarray:
    """log capital_L of betting that gains, none of which is below -`most`, are above 0 in the mean."""
    return np.asarray(np.log1p(np.outer(PARTS_L / most, gains_N)).sum(axis=1))


def _less(shortfalls_N: np.ndarray, error: float) -> list[float]:
    """How much less often answers are right than before, where that is known with this standard error."""
    mean, may_be = float(shortfalls_N.mean()), quantile((1 + LEVEL) / 2) * error
    low, high = _confidence_sequence(shortfalls_N)
    return [max(-1.0, mean - hypot(mean - low, may_be)), min(1.0, mean + hypot(high - mean, may_be))]


def _confidence_sequence(shortfalls_N: np.ndarray) -> list[float]:
    """The differences that no bet refutes, at this look as at every other. No bet refutes the mean: they are
    from the last one refuted below it to the first one above it."""
    mean = float(shortfalls_N.mean())
    refuted = [step for step in STEPS_D if _is_refuted(shortfalls_N - step, 1 + abs(step))]
    below, above = (step for step in refuted if step < mean), (step for step in refuted if step > mean)
    return [float(max(below, default=-1.0)), float(min(above, default=1.0))]


def _is_refuted(gains_N: np.ndarray, most: float) -> bool:
    """Has half the money bet on more, half on less, grown as it does in one of 1 / (1 - LEVEL) worlds?"""
    both = np.append(_log_capital(gains_N, most), _log_capital(-gains_N, most))
    return bool(np.logaddexp.reduce(both) >= np.log(len(both) / (1 - LEVEL)))


DETECTOR = _tests
