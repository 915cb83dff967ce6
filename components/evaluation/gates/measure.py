"""What a gate measures of the candidate, with its interval, and the paired difference to the champion.

Of every number more is better: an error is counted below 0, as a metric's `negative_...`. Intervals are those
of the tasks' own metrics (`intervals.py`), from the value without each unit of the test rows.

Legend: N rows, S statistics, U units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from components.evaluation import apart, intervals, paired
from components.evaluation.difference import Interval
from components.evaluation.gates.base import Case
from components.evaluation.records import Comparison, Finding, GateOutcome
from components.evaluation.units import Sample, Units, sample
from components.families.base import Facts, Family, Metric, Prediction, Row
from components.families.shared.metrics import mean

if TYPE_CHECKING:
    from components.families.base.metric import Table

One = TypeVar("One")


@dataclass(frozen=True)
class Score:
    """A number of a model, and the same without each unit of its rows."""

    sample: Sample
    metric: Metric | None = None  # that it is a value of; none of a difference
    statistics_NS: Table | None = None  # that the value is made of, where that is known
    most: float = math.inf  # of what the number estimates; the estimate itself may be above it by chance
    ends: Callable[[float], Interval] | None = None  # at a confidence, where they are not those of the sample
    less: Score | None = None  # of a difference: what it is less

    def __sub__(self, other: Score) -> Score:
        """The difference of two numbers of the same rows."""
        return Score(self.sample - other.sample, less=other)

    @property
    def value(self) -> float:
        return min(self.sample.value, self.most)

    def interval(self, confidence: float, worth: float | None = None) -> list[float]:
        """Its ends are not beyond `most`; `worth` is that of a row that fails (`intervals.worth_of`)."""
        if self.ends is not None:
            ends = self.ends(confidence)
        elif self.metric is not None:
            ends = intervals.interval(self.metric, self.sample, confidence, worth)
        else:
            counted = intervals.difference(self.sample, self.sample.nothing, worth)
            ends = counted.interval(confidence)
        return [min(end, self.most) for end in ends]

    def ended(self) -> apart.Ended:
        """To be compared by its ends."""
        return apart.Ended(self.value, self.interval, self.sample, self.most)

    def shifted(self, by: float) -> Score:
        """So much more, with each unit and without it."""
        moved = replace(self.sample, value=self.value + by, without_U=self.sample.without_U + by)
        if self.sample.without_N is not None:
            moved = replace(moved, without_N=self.sample.without_N + by)
        return replace(self, sample=moved)


@dataclass(frozen=True)
class Asked:
    """Rows, what a model said of them, and the facts by which that is judged."""

    who: str  # the model
    chosen_N: np.ndarray  # of bool: which of the test rows they are
    rows: Sequence[Row]
    said: Sequence[Prediction]
    facts: Facts
    units: Units

    def only(self, rows_N: np.ndarray) -> Asked:
        """The same on some of the rows."""
        chosen_N = self.chosen_N.copy()
        chosen_N[np.flatnonzero(chosen_N)[~rows_N]] = False
        rows, said = picked(self.rows, rows_N), picked(self.said, rows_N)
        return replace(self, chosen_N=chosen_N, rows=rows, said=said, units=self.units.pick(rows_N))

    def by(self, metric: Metric, rows_N: np.ndarray | None = None) -> Score:
        """The model's value of a metric, on all the rows or on those of `rows_N`."""
        statistics_NS = metric.statistics(self.rows, self.said, self.facts)
        if rows_N is not None:
            statistics_NS = _only(statistics_NS, rows_N)
        return Score(sample(metric, statistics_NS, self.units), metric, statistics_NS)

    def share(self, holds_N: np.ndarray) -> Score:
        """The share of the rows of which something holds; holds_N is of all test rows."""
        statistics_N2 = np.stack([holds_N[self.chosen_N], np.ones(len(self.rows))], axis=1).astype(float)
        return self.by(Metric("share", lambda rows, said, facts: statistics_N2, mean))


def _only(statistics_NS: Table, rows_N: np.ndarray) -> Table:
    """Statistics in which the other rows count for nothing."""
    if isinstance(statistics_NS, np.ndarray):
        return np.asarray(statistics_NS * rows_N[:, None])
    return statistics_NS.multiply(rows_N[:, None]).tocsr()


@dataclass(frozen=True)
class Measured:
    """The candidate's score on all the rows; both models' on those that both can answer."""

    rows: int
    own: Score
    pair: tuple[Score, Score] | None  # the candidate's, the champion's
    compared: int = 0  # rows of the pair
    worth: float | None = None  # what a unit is worth that these do not show (`intervals.worth_of`)


def measured(case: Case, score: Callable[[Asked], Score], rows_N: np.ndarray | None = None) -> Measured:
    """Score the models on the test rows, or on those of `rows_N`, of which there is at least one."""
    chosen_N = np.ones(len(case.rows), dtype=bool) if rows_N is None else rows_N
    own = score(_asked(case, "model", chosen_N, case.facts))
    found = Measured(int(chosen_N.sum()), own, None, worth=_worth(case, own, chosen_N))
    if case.common is None:
        return found
    both_N = chosen_N & case.common.rows_N
    if not both_N.any():
        return found
    model, champion = (score(_asked(case, who, both_N, case.common.facts)) for who in ("model", "champion"))
    return replace(found, pair=(model, champion), compared=int(both_N.sum()))


def _worth(case: Case, own: Score, chosen_N: np.ndarray) -> float:
    """By the trivial model's answers to the same rows; only the gate's own metric is one of these, or what
    that is less by."""
    whole = own.less or own
    if whole.metric is not case.metric or whole.statistics_NS is None or "trivial" not in case.said:
        return intervals.worth_of_value(own.sample)
    trivial = _asked(case, "trivial", chosen_N, case.facts)
    trivial_NS = whole.metric.statistics(trivial.rows, trivial.said, trivial.facts)
    return intervals.worth_of(whole.metric, whole.statistics_NS, trivial_NS, trivial.units)


def _asked(case: Case, who: str, rows_N: np.ndarray, facts: Facts) -> Asked:
    rows = picked(case.rows, rows_N)
    units = Units.of_rows(case.family, rows)
    return Asked(who, rows_N, rows, picked(case.said[who], rows_N), facts, units)


def picked(values: Sequence[One], rows_N: np.ndarray) -> list[One]:
    """Those of the values whose row is in `rows_N`."""
    return [value for value, chosen in zip(values, rows_N, strict=True) if chosen]


def finding(
    case: Case,
    gate: str,
    what: str,
    found: Measured,
    limit: float | None = None,
    margin: float | None = None,
) -> Finding:
    """A finding for the verdict: `limit` is the least that the value may be, and a loss of `margin` against
    the champion is allowed. Without a margin the comparison is shown, and not judged."""
    interval = found.own.interval(case.project.evaluation.confidence, found.worth)
    outcome, why = kept(what, found.own.value, interval, limit)
    return Finding(
        gate=gate,
        what=what,
        rows=found.rows,
        value=found.own.value,
        interval=interval,
        limit=limit,
        champion=_comparison(case, found),
        margin=margin if found.pair else None,
        outcome=outcome,
        why=why,
    )


def listed(case: Case, gate: str, what: str, found: Measured, fewest: int) -> Finding:
    """A finding of too few rows: shown, and not judged."""
    few = f"{what} (fewer than {fewest} rows, not judged)"
    return finding(case, gate, few, replace(found, pair=None))


def _comparison(case: Case, found: Measured) -> Comparison | None:
    if found.pair is None or case.common is None:
        return None
    own, champion = found.pair
    confidence = case.project.evaluation.confidence
    counted = intervals.difference(own.sample, champion.sample, found.worth)
    tables = (own.statistics_NS, champion.statistics_NS)
    known = Comparison(
        value=champion.value,
        difference=own.sample.value - champion.sample.value,
        interval=counted.interval(confidence),
        p=counted.p_worse(),
        rows=found.compared,
        changed=case.common.changed,
        low=counted.low(confidence),
        se=counted.standard_error,
        discordant=None if tables[0] is None or tables[1] is None else paired.discordant(*tables),
        counted=counted,
    )
    return known if own.ends is None else apart.compared(known, own.ended(), champion.ended(), confidence)


def kept(what: str, value: float, interval: Interval | None, limit: float | None) -> tuple[GateOutcome, str]:
    """Does the value keep its limit? Below it with confidence is a reason to reject, below it at all a reason
    to hold, and so is what is not a number."""
    if limit is None or value >= limit:
        return "pass", ""
    said = f"{what}: {value:.3f} " + ("[{:.3f}, {:.3f}]".format(*interval) if interval else "(no interval)")
    if value < limit:
        shown = interval is not None and interval[1] < limit
        return ("reject" if shown else "hold"), f"{said} is below the limit {limit:.3f}"
    return "hold", f"{said} is not a number that could keep the limit {limit:.3f}"


def same_answers(
    family: Family, some: Sequence[Prediction], others: Sequence[Prediction], tolerance: float = 0.0
) -> np.ndarray:
    """same_N: is it the same answer, whatever the probabilities? Numbers may differ by the tolerance."""
    names = family.target_schema().names

    def same(one: Prediction, other: Prediction) -> bool:
        asked = [name for name in names if name in one and name in other] or list(one)
        return all(_alike(one[name], other.get(name), tolerance) for name in asked)

    return np.array([same(*pair) for pair in zip(some, others, strict=True)], dtype=bool)


def _alike(one: object, other: object, tolerance: float) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= tolerance
    return one == other
