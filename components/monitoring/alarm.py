"""What of a window is an alarm: the tests of all detectors, and one number of windows between false alarms.

Evidence is of three kinds. Each has a rule for any number of tests that depend on each other, and the kinds
that have something to look at in a window share its false alarms evenly.

Comparisons all see the same permutations of all texts, and what is compared with the knob is the smallest of
their p-values (Westfall & Young 1993, single-step minP): so false alarms come once in so many windows over
all tasks and detectors together, however these depend on each other. With n permutations, k of them as
extreme, the p-value is (k + 1) / (n + 1) (Phipson & Smyth 2010), which is exact where any text could have
come at either time. Of many tests some draw has the smallest p-value there is, 1 / (n + 1), by chance in
nearly each; so equal p-values are told apart by how many deviations of its draws a statistic lies above their
mean.

Tails are adjusted for their number (Benjamini & Hochberg 1995; they may be independent or move together): in
a window in which nothing has changed that holds the chance of any alarm, in another the share of false ones.
Of bets the mean is a bet on any change, whatever their dependence; it must reach the number of windows, and
then those are meant that do.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from components.monitoring import detectors
from components.monitoring.detectors.base import Bet, Comparison, Seen, Tail, Test
from components.records import Part

DRAWS_PER_WINDOW = 8  # permutations for each window between two false alarms: alpha is 8 of them
TYPICAL = 5  # texts of what has moved
P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class Found:
    """What a test has come to."""

    test: Test
    alarm: bool
    p: float | None = None  # adjusted for all tests of its kind; a bet has none
    typical: list[int] = field(default_factory=list)  # numbers of later texts that show it best


@dataclass(frozen=True)
class Verdict:
    """What a window is."""

    found: list[Found]  # of every test; of each kind the clearest first

    @property
    def alarm(self) -> bool:
        return bool(self.shifts)

    @property
    def shifts(self) -> list[Found]:
        """What has moved."""
        return [one for one in self.found if one.alarm]

    @property
    def p(self) -> float:
        """Of everything together that has one."""
        return min((one.p for one in self.found if one.p is not None), default=1.0)

    def facts(self, kind: type[P]) -> dict[str, P]:
        """subject -> what is known of it, of one kind."""
        every = {one.test.subject: one.test.facts for one in self.found}
        return {subject: facts for subject, facts in sorted(every.items()) if isinstance(facts, kind)}


def judge(seen: Seen, windows: float, seed: int = 0, beside: int = 0) -> Verdict:
    """Judge a window so that so many lie between two false alarms, among them those of `beside` others, which
    share the knob and are judged elsewhere."""
    kinds: dict[type[Test], list[Test]] = defaultdict(list)
    for detector in detectors.every().values():
        for test in detector(seen):
            kinds[type(test)].append(test)
    share = windows * (len(kinds) + beside)
    return Verdict([one for kind, tests in kinds.items() for one in RULES[kind](tests, seen, share, seed)])


def _compared(tests: Sequence[Comparison], seen: Seen, windows: float, seed: int) -> list[Found]:
    later_RN = _permutations(seen.later_N, math.ceil(DRAWS_PER_WINDOW * windows), seed)
    p_TR = np.stack([_p_values(test.statistic(later_RN)) for test in tests])
    clearest_R = p_TR.min(axis=0)
    found = []
    for number in np.argsort(p_TR[:, 0], kind="stable"):
        p, test = float(np.mean(clearest_R <= p_TR[number, 0])), tests[number]
        found.append(Found(test, p <= 1 / windows, p, _typical(test, seen.later_N)))
    return found


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


def _typical(test: Comparison, later_N: np.ndarray) -> list[int]:
    numbers = np.flatnonzero(later_N)
    scores = np.zeros(len(numbers)) if test.scores_N is None else test.scores_N[numbers]
    typical: list[int] = numbers[np.argsort(-scores, kind="stable")[:TYPICAL]].tolist()
    return typical


def _predicted(tests: Sequence[Tail], seen: Seen, windows: float, seed: int) -> list[Found]:
    from scipy.stats import false_discovery_control

    known = sorted((one.p, number) for number, one in enumerate(tests) if one.p is not None)
    adjusted = false_discovery_control([p for p, _ in known], method="bh") if known else []
    found = [
        Found(tests[number], bool(q <= 1 / windows), float(q))
        for q, (_, number) in zip(adjusted, known, strict=True)
    ]
    return [*found, *(Found(one, alarm=False) for one in tests if one.p is None)]


def _bet(tests: Sequence[Bet], seen: Seen, windows: float, seed: int) -> list[Found]:
    enough = sum(one.evidence for one in tests) / len(tests) >= windows
    ordered = sorted(tests, key=lambda one: -one.evidence)
    return [Found(one, enough and one.evidence >= windows) for one in ordered]


Rule = Callable[[Sequence[Test], Seen, float, int], list[Found]]
RULES: dict[type[Test], Rule] = {Comparison: _compared, Tail: _predicted, Bet: _bet}  # type: ignore[dict-item]
