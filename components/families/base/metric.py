"""A metric as an object: per-row statistics, and the number that their sums make.

Legend: N rows, S statistics, R resamples, U units of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from components.families.base.records import Facts, Prediction, Row

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Table: TypeAlias = "np.ndarray | csr_array"
Statistics = Callable[[Sequence[Row], Sequence[Prediction], Facts], "Table"]
OfSums = Callable[[np.ndarray], np.ndarray]


CELLS = 4_000_000  # of sums that are in memory at once


@dataclass(frozen=True)
class Metric:
    """How good predictions are. It is a function of sums over rows, so that a resample of the rows is a
    weighted sum and a metric without a row a difference; that gives it intervals and paired comparisons
    without another line."""

    name: str
    statistics: Statistics
    """(rows, predictions, facts) -> statistics_NS, float64; sparse where S grows with the label set."""
    of_sums: OfSums
    """sums_RS -> number_R."""
    better: Literal["higher", "lower"] = "higher"
    """Which numbers of `of_sums` are good. Where lower is better, as of an error, `value` is minus the number
    (so the name says "negative_..."): everyone who reads a value may take the higher for the better."""

    least_labels: int = 0
    """How many labels a head must have for the metric to tell anything of it."""
    kind: Literal["share", "correlation", "error"] | None = None
    """How the error of a value changes along the values: as that of a share of rows, from 0 to 1; as that of
    a correlation, from -1 to 1; or with the distance from the best value, which has no lower end. By default
    as that of a share, and where lower is better with the distance."""
    bias: Callable[[np.ndarray], float] | None = None
    """sums_S -> how far above the truth the value of so many rows is in the mean; by default the jackknife's,
    which sees nothing of a class that has one row or none."""
    ends: Callable[[np.ndarray, float, float], tuple[float, float]] | None = None
    """(sums_S, variance of the value by the jackknife, level) -> low end and high end, each of which holds
    with this probability, by what the sums tell of classes or bins: an interval is no narrower. A jackknife
    sees nothing of what may be where all few rows of a class are answered alike, and nothing of what chance
    adds to an absolute value."""
    dearest: Callable[[np.ndarray], float] | None = None
    """sums_S -> what a row is worth at least at which a model fails, by how few rows a class has: of one with
    none no row shows what it is."""
    absolute: bool = False
    """Is it a sum of absolute values, to which chance adds most where there is no error? Then `ends` are all
    there is to its interval."""
    rows_that_count: Callable[[np.ndarray], float] | None = None
    """sums_S -> how many rows, each as telling as can be, would tell as much: an area under a curve of 1,000
    rows with five positives is known no better than one of twenty rows. By default each row counts."""
    heavy: bool = False
    """May a few rows weigh as much as all others, as in Pearson's r, whose sums are of squares? Then a test
    set that holds few of the rows at which a model fails does not show how far the value may be below."""

    @property
    def scale(self) -> Literal["share", "correlation", "error"]:
        """`kind`, or what is usual."""
        return self.kind or ("share" if self.better == "higher" else "error")

    @property
    def best(self) -> float:
        """No value is above this one: an error is never below 0, a score never above 1."""
        return 1.0 if self.better == "higher" else 0.0

    def out_of_reach(self, floor: float) -> str | None:
        """Why no model holds a floor, as a clause; None where one may."""
        if floor <= self.best:
            return None
        percent = f"; write {floor / 100:g}" if self.best == 1 and 1 < floor <= 100 else ""
        return f"found {floor:g}, but {self.name} is {self.best:g} at most{percent}"

    def value(self, sums_RS: np.ndarray) -> np.ndarray:
        """value_R, of which higher is better."""
        number_R = self.of_sums(sums_RS)
        return number_R if self.better == "higher" else -number_R

    def total(self, statistics_NS: Table) -> float:
        """The value of all the rows that have these statistics."""
        return float(self.value(np.asarray(statistics_NS.sum(axis=0)).reshape(1, -1))[0])

    def without(
        self, statistics_NS: Table, member_UN: csr_array | None = None, instead_NS: Table | None = None
    ) -> np.ndarray:
        """value_U of all rows but those of a unit, by which rows a unit has; by default each row is one. With
        `instead_NS` the unit's rows stay, and have these statistics."""
        total_S = np.asarray(statistics_NS.sum(axis=0)).reshape(1, -1)
        taken_NS = statistics_NS if instead_NS is None else statistics_NS - instead_NS
        count = statistics_NS.shape[0] if member_UN is None else member_UN.shape[0]
        found = []
        for some in _blocks(count, statistics_NS.shape[1]):
            part = taken_NS[some] if member_UN is None else member_UN[some] @ taken_NS
            found.append(self.value(total_S - (part if isinstance(part, np.ndarray) else part.toarray())))
        return np.concatenate(found)

    def standard_error(self, statistics_NS: Table) -> float:
        """Of the value of these rows, if none hangs on another: the jackknife's (Tukey 1958). 0 where nothing
        is known of it, as of a single row."""
        if (rows := statistics_NS.shape[0]) < 2:
            return 0.0
        error = float(np.std(self.without(statistics_NS))) * (rows - 1) ** 0.5
        return error if np.isfinite(error) else 0.0

    def of_each_row(self, statistics_NS: Table) -> np.ndarray:
        """value_N of each row by itself."""
        parts = (statistics_NS[some] for some in _blocks(*statistics_NS.shape))
        dense = (part if isinstance(part, np.ndarray) else part.toarray() for part in parts)
        return np.concatenate([self.value(part) for part in dense])

    def measure(self, rows: Sequence[Row], predictions: Sequence[Prediction], facts: Facts) -> float:
        """The value of these predictions of these rows."""
        return self.total(self.statistics(rows, predictions, facts))


def _blocks(count: int, width: int) -> Iterator[slice]:
    """So many rows at a time of a table that is so wide, that memory is bounded."""
    block = max(1, CELLS // max(1, width))
    return (slice(start, start + block) for start in range(0, count, block))
