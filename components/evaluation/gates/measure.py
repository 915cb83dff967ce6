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
from components.families.base import Facts, Metric, Prediction, Row

One = TypeVar("One")


@dataclass(frozen=True)
class Score:
    """A number of a model, and the same of every resample of its rows."""

    value: float
    resampled_R: np.ndarray


@dataclass(frozen=True)
class Asked:
    """Rows, what a model said of them, and the facts by which that is judged."""

    rows: Sequence[Row]
    said: Sequence[Prediction]
    facts: Facts
    weights_RN: np.ndarray

    def by(self, metric: Metric) -> Score:
        """The model's value of a metric."""
        statistics_NS = metric.statistics(self.rows, self.said, self.facts)
        return Score(metric.total(statistics_NS), metric.resampled(self.weights_RN, statistics_NS))


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
    return Asked(rows, picked(case.said[who], rows_N), facts, weights_RN)


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
    shown = finding(case, gate, what, replace(found, pair=None))
    return shown.model_copy(update={"why": f"{found.rows} rows, fewer than {fewest}: not judged"})


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
        rows=found.compared if case.common.changed else None,
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
