"""What a gate measures of the candidate, with its interval, and the paired difference to the champion.

Of every number more is better: an error is counted below 0, as a metric's `negative_...`. Candidate and
champion share the resamples of their rows (a paired bootstrap).

Legend: N rows, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from components.evaluation import bootstrap
from components.evaluation.gates.base import Case
from components.evaluation.records import Comparison, Finding, GateOutcome, Interval
from components.families.base import Facts, Family, Metric, Prediction, Row
from components.families.shared.metrics import mean

One = TypeVar("One")


@dataclass(frozen=True)
class Score:
    """A number of a model, and the same of every resample of its rows."""

    value: float
    resampled_R: np.ndarray

    def without_chance(self) -> Score:
        """Of a number that is at most 0, and below 0 even of a faultless model by chance: that bias, by the
        bootstrap's estimate, taken off (Efron & Tibshirani 1993, chapter 10)."""
        bias = float(self.resampled_R.mean()) - self.value
        return Score(min(0.0, self.value - bias), np.minimum(self.resampled_R - 2 * bias, 0.0))

    def __sub__(self, other: Score) -> Score:
        """The difference of the two; their resamples are of the same rows."""
        return Score(self.value - other.value, self.resampled_R - other.resampled_R)


@dataclass(frozen=True)
class Asked:
    """Rows, what a model said of them, and the facts by which that is judged."""

    who: str  # the model
    chosen_N: np.ndarray  # of bool: which of the test rows they are
    rows: Sequence[Row]
    said: Sequence[Prediction]
    facts: Facts
    weights_RN: np.ndarray

    def by(self, metric: Metric) -> Score:
        """The model's value of a metric."""
        statistics_NS = metric.statistics(self.rows, self.said, self.facts)
        return Score(metric.total(statistics_NS), metric.resampled(self.weights_RN, statistics_NS))

    def part(self, rows_N: np.ndarray) -> Asked:
        """Some of the rows, which have their part in the same resamples."""
        rows, said = picked(self.rows, rows_N), picked(self.said, rows_N)
        return replace(self, rows=rows, said=said, weights_RN=self.weights_RN[:, rows_N])

    def share(self, holds_N: np.ndarray) -> Score:
        """The share of the rows of which something holds; holds_N is of all test rows."""
        statistics_N2 = np.stack([holds_N[self.chosen_N], np.ones(len(self.rows))], axis=1).astype(float)
        metric = Metric("share", lambda rows, said, facts: statistics_N2, mean)
        return self.by(metric)


@dataclass(frozen=True)
class Measured:
    """The candidate's score on all the rows; both models' on those that both can answer."""

    rows: int
    own: Score
    pair: tuple[Score, Score] | None  # the candidate's, the champion's
    compared: int = 0  # rows of the pair


def measured(case: Case, score: Callable[[Asked], Score], rows_N: np.ndarray | None = None) -> Measured:
    """Score the models on the test rows, or on those of `rows_N`, of which there is at least one."""
    chosen_N = np.ones(len(case.rows), dtype=bool) if rows_N is None else rows_N
    own = score(_asked(case, "model", chosen_N, case.facts))
    found = Measured(int(chosen_N.sum()), own, None)
    if case.common is None:
        return found
    both_N = chosen_N & case.common.rows_N
    if not both_N.any():
        return found
    model, champion = (score(_asked(case, who, both_N, case.common.facts)) for who in ("model", "champion"))
    return replace(found, pair=(model, champion), compared=int(both_N.sum()))


def _asked(case: Case, who: str, rows_N: np.ndarray, facts: Facts) -> Asked:
    rows, settings = picked(case.rows, rows_N), case.project.evaluation
    weights_RN = bootstrap.weights([row["groups"] for row in rows], settings.resamples, case.project.seed)
    return Asked(who, rows_N, rows, picked(case.said[who], rows_N), facts, weights_RN)


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
    interval = bootstrap.interval(found.own.resampled_R, case.project.evaluation.confidence)
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
    difference_R = own.resampled_R - champion.resampled_R
    return Comparison(
        value=champion.value,
        difference=own.value - champion.value,
        interval=bootstrap.interval(difference_R, case.project.evaluation.confidence),
        p=bootstrap.p_value(difference_R),
        rows=found.compared,
        changed=case.common.changed,
    )


def kept(what: str, value: float, interval: Interval, limit: float | None) -> tuple[GateOutcome, str]:
    """Does the value keep its limit? Below it with confidence is a reason to reject, below it at all a reason
    to hold, and so is what is not a number."""
    if limit is None or value >= limit:
        return "pass", ""
    low, high = interval
    said = f"{what}: {value:.3f} [{low:.3f}, {high:.3f}]"
    if value < limit:
        return ("reject" if high < limit else "hold"), f"{said} is below the limit {limit:.3f}"
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
