"""A metric as an object: per-row statistics, and the number that their sums make.

Legend: N rows, S statistics, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from components.families.base.records import Facts, Prediction, Row

Statistics = Callable[[Sequence[Row], Sequence[Prediction], Facts], np.ndarray]
OfSums = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Metric:
    """How good predictions are. It is a function of sums over rows, so that a resample of the rows is a
    weighted sum; that gives it intervals and paired comparisons without another line."""

    name: str
    statistics: Statistics
    """(rows, predictions, facts) -> statistics_NS, float64."""
    of_sums: OfSums
    """sums_RS -> number_R."""
    better: Literal["higher", "lower"] = "higher"
    """Which numbers of `of_sums` are good. Where lower is better, as of an error, `value` is minus the number
    (so the name says "negative_..."): everyone who reads a value may take the higher for the better."""

    @property
    def best(self) -> float:
        """No value is above this one: an error is never below 0, a score never above 1."""
        return 1.0 if self.better == "higher" else 0.0

    def value(self, sums_RS: np.ndarray) -> np.ndarray:
        """value_R, of which higher is better."""
        number_R = self.of_sums(sums_RS)
        return number_R if self.better == "higher" else -number_R

    def total(self, statistics_NS: np.ndarray) -> float:
        """The value of all the rows that have these statistics."""
        return float(self.value(statistics_NS.sum(0, keepdims=True))[0])

    def measure(self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> float:
        """The value of these predictions of these rows."""
        return self.total(self.statistics(rows, predictions, facts))
