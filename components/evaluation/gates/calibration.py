"""calibration: is what the model says with 80 % right in 80 % of the cases?

Legend: N rows, B bins, R sums of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from components.evaluation.difference import Interval
from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.gates.measure import Asked, Score, finding, listed, measured
from components.evaluation.picture_records import ReliabilityBin
from components.evaluation.records import Finding
from components.evaluation.units import Sample
from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.capabilities import Probabilities
from components.families.shared.absolute import ends_of_sum, folded
from components.settings.section import Rows

WHAT = "negative calibration error"
TINY = 1e-12  # keeps a variance of 0 from dividing


class Calibration(FurtherGate):
    """The expected calibration error (Naeini et al. 2015) of every task whose answers have probabilities, in
    bins of as many answers each (Nixon et al. 2019).

    The plain error is above 0 even of a calibrated model, by chance; that bias is estimated and taken off
    (Kumar et al. 2019, the debiased estimator with a normal approximation of each bin's share).
    """

    bins: Annotated[int, Field(ge=2, le=100)] = 10  # of the answers, by their probability
    # the most that the error may be; left out, there is no limit
    limit: Annotated[float | None, Field(gt=0, lt=1)] = None
    # how much more than the champion's the error may be
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.05
    min_rows: Rows = 100  # with fewer, the error is listed, not judged

    def findings(self, case: Case) -> Iterator[Finding]:
        family = case.family
        if not isinstance(family, Probabilities) or not len(case.rows):
            return
        found = measured(case, partial(error, family, self.bins))
        limit, margin = (None if self.limit is None else -self.limit), self.margin
        bins = reliability(family, self.bins, case.rows, case.said["model"], case.facts)
        if found.rows < self.min_rows:
            yield listed(case, "calibration", WHAT, found, self.min_rows).model_copy(update={"bins": bins})
        else:
            yield finding(case, "calibration", WHAT, found, limit, margin).model_copy(update={"bins": bins})


def error(family: Probabilities, bins: int, asked: Asked) -> Score:
    """The debiased error of a model, counted below 0."""
    edges = edges_of(family, bins, asked.rows, asked.said, asked.facts)

    def statistics(rows: Sequence[Row], said: Sequence[Prediction], facts: Facts) -> np.ndarray:
        return in_bins(family, edges, rows, said, facts)

    found = asked.by(Metric("negative_calibration_error", statistics, of_sums, "lower"))
    return replace(found, metric=None, most=0.0, ends=partial(ends, found.sample))


def ends(measured: Sample, confidence: float) -> Interval:
    """Low end and high end of an error counted below 0 (`absolute.ends_of_sum`). A bin's spread is that of
    its answers, or more where units tell more: the answers of one row hang together."""
    assert measured.sums_S is not None  # noqa: S101
    probable_B, right_B, count_B = np.moveaxis(measured.sums_S.reshape(-1, 3), 1, 0)
    mean_B, answers = probable_B / np.maximum(count_B, 1), max(float(count_B.sum()), 1)
    variance_B = np.maximum(count_B * mean_B * (1 - mean_B), TINY)
    told = float(np.mean(measured.influence**2)) / max(len(measured.influence) - 1, 1) * answers**2
    spread_B = np.sqrt(variance_B * max(1.0, told / variance_B.sum()))
    low, high = ends_of_sum((probable_B - right_B)[count_B > 0], spread_B[count_B > 0], (1 + confidence) / 2)
    return [-high / answers, -low / answers]


def edges_of(
    family: Probabilities, bins: int, rows: Sequence[Row], said: Sequence[Prediction], facts: Facts
) -> np.ndarray:
    """Where one bin ends and the next begins, so that each holds as many answers."""
    answers = [family.likelihoods(row, one, facts) for row, one in zip(rows, said, strict=True)]
    found = [probability for of_row in answers for probability, _ in of_row]
    return np.quantile(found or [0.5], np.arange(1, bins) / bins)


def in_bins(
    family: Probabilities, edges: np.ndarray, rows: Sequence[Row], said: Sequence[Prediction], facts: Facts
) -> np.ndarray:
    """statistics_N(3B): per bin the answers' probabilities, how many of them are right, and how many there
    are."""
    sums_NB3 = np.zeros((len(rows), len(edges) + 1, 3))
    for number, (row, one) in enumerate(zip(rows, said, strict=True)):
        for probability, right in family.likelihoods(row, one, facts):
            sums_NB3[number, np.searchsorted(edges, probability, side="right")] += (probability, right, 1)
    return sums_NB3.reshape(len(rows), -1)


def of_sums(sums_RS: np.ndarray) -> np.ndarray:
    """error_R: how far apart probability and truth are, over the bins, by their answers, less what chance
    adds to it."""
    probable_RB, right_RB, count_RB = np.moveaxis(sums_RS.reshape(len(sums_RS), -1, 3), 2, 0)
    some_RB = np.maximum(count_RB, 1)
    share_RB = right_RB / some_RB
    apart_RB = np.abs(probable_RB / some_RB - share_RB)
    spread_RB = np.sqrt(np.clip(share_RB * (1 - share_RB), 0, None) / some_RB)
    debiased_RB = 2 * apart_RB - folded(apart_RB, spread_RB)
    return np.asarray((debiased_RB * count_RB).sum(axis=1) / np.maximum(count_RB.sum(axis=1), 1))


def reliability(
    family: Probabilities, bins: int, rows: Sequence[Row], said: Sequence[Prediction], facts: Facts
) -> list[ReliabilityBin]:
    """What a reliability diagram shows: the bins that hold something, the least probable first."""
    edges = edges_of(family, bins, rows, said, facts)
    sums_B3 = in_bins(family, edges, rows, said, facts).sum(axis=0).reshape(-1, 3)
    return [
        ReliabilityBin(probability=probable / count, right=right / count, answers=int(count))
        for probable, right, count in sums_B3.tolist()
        if count
    ]


GATE = Calibration
