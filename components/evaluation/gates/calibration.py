"""calibration: is what the model says with 80 % right in 80 % of the cases?

Legend: N rows, B bins, R resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from components.evaluation.gates.base import Case, FurtherGate
from components.evaluation.gates.measure import Asked, Score, finding, listed, measured
from components.evaluation.records import Finding, ReliabilityBin
from components.families.base import Facts, Metric, Prediction, Row
from components.families.base.capabilities import Probabilities
from components.settings.section import Rows

WHAT = "negative calibration error"


class Calibration(FurtherGate):
    """The expected calibration error (Naeini et al. 2015) of every task whose answers have probabilities, in
    bins of as many answers each (Nixon et al. 2019).

    The plain error is above 0 even of a calibrated model, by chance; that bias is estimated from the
    resamples and taken off (Efron & Tibshirani 1993, chapter 10; with a normal approximation in their place
    the estimator of Kumar et al. 2019 for this error).
    """

    bins: Annotated[int, Field(ge=2)] = 10  # of the answers, by their probability
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

    metric = Metric("negative_calibration_error", statistics, of_sums, "lower")
    return asked.by(metric).without_chance()


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
    """error_R: how far apart probability and truth are, over the bins, by their answers."""
    sums_RB3 = sums_RS.reshape(len(sums_RS), -1, 3)
    apart_R = np.abs(sums_RB3[:, :, 0] - sums_RB3[:, :, 1]).sum(axis=1)
    return np.asarray(apart_R / np.maximum(sums_RB3[:, :, 2].sum(axis=1), 1))


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
