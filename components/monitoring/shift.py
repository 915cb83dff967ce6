"""Whether the texts of a window are of the kind that the release was asked before: one test of everything.

All detectors see the same permutations of all texts, and what is compared with the knob is the smallest of
their p-values (Westfall & Young 1993, single-step minP): so false alarms come once in so many windows over
all tasks and detectors together, however these depend on each other. With n permutations, k of them as
extreme, the p-value is (k + 1) / (n + 1) (Phipson & Smyth 2010), which is exact where any text could have
come at either time.

Of many tests some draw has the smallest p-value there is, 1 / (n + 1), by chance in nearly each; so equal
p-values are told apart by how many deviations of its draws a statistic lies above their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.monitoring import detectors
from components.monitoring.detectors.base import Test, Texts

DRAWS_PER_WINDOW = 8  # permutations for each window between two false alarms: alpha is 8 of them
TYPICAL = 5  # texts of what has moved


@dataclass(frozen=True)
class Shift:
    """A thing that has moved."""

    subject: str
    p: float  # adjusted for all that was tested
    words: str
    typical: list[int]  # numbers of later texts that show it best


@dataclass(frozen=True)
class Verdict:
    """What a window is."""

    p: float  # of everything together
    alarm: bool
    shifts: list[Shift]  # those below alpha, the clearest first


def judge(texts: Texts, later_N: np.ndarray, windows_between_false_alarms: int, seed: int) -> Verdict:
    """Compare the texts that are `later` (N of true and false) with the others."""
    draws = DRAWS_PER_WINDOW * windows_between_false_alarms
    later_RN = _permutations(later_N, draws, seed)
    tests = [test for detector in detectors.every().values() for test in detector(texts, later_RN)]
    p_TR = np.stack([_p_values(test.statistics_R) for test in tests])
    clearest_R = p_TR.min(axis=0)
    alpha = 1 / windows_between_false_alarms
    adjusted = [float(np.mean(clearest_R <= p_T)) for p_T in p_TR[:, 0]]
    p = min(adjusted)
    order = sorted(range(len(tests)), key=lambda one: p_TR[one, 0])
    shifts = [_shift(tests[one], adjusted[one], later_N) for one in order if adjusted[one] <= alpha]
    return Verdict(p, p <= alpha, shifts)


def _permutations(later_N: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """What truly was, and then as many draws of which texts are the later ones, less one."""
    draw = np.random.default_rng(seed)
    later_RN = np.empty((draws, len(later_N)), dtype=np.float32, order="F")  # detectors read text by text
    later_RN[0] = later_N
    for row in range(1, draws):
        later_RN[row] = draw.permutation(later_N)
    return later_RN


def _p_values(statistics_R: np.ndarray) -> np.ndarray:
    """For each draw, the share of draws that are at least as extreme, itself among them; less a little that
    grows with the statistic and stays below the step between two shares."""
    rounded = np.round(statistics_R, 9)  # sums in another order differ in the last digits
    ordered = np.sort(rounded)
    shares = (len(ordered) - np.searchsorted(ordered, rounded, side="left")) / len(ordered)
    deviations = (rounded - rounded.mean()) / max(float(rounded.std()), 1e-9)  # at most the root of the draws
    return np.asarray(shares - deviations / (4 * len(ordered) ** 1.5))


def _shift(test: Test, adjusted: float, later_N: np.ndarray) -> Shift:
    numbers = np.flatnonzero(later_N)
    scores = np.zeros(len(numbers)) if test.scores_N is None else test.scores_N[numbers]
    typical: Sequence[int] = numbers[np.argsort(-scores, kind="stable")[:TYPICAL]].tolist()
    return Shift(test.subject, adjusted, test.words, list(typical))
