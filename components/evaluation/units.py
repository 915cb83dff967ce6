"""What an interval is made of: independent units of the test rows, and a metric's value without each of them.

A unit is a row, or a group that rows belong to (`splits.groups`): a document with all the pairs that it is
part of. The value without each unit in turn (the jackknife: Quenouille 1956, Tukey 1958) says how much hangs
on it. That needs no random number and no table of resamples, and holds for every function of sums.

Legend: N rows, U units, S statistics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from components.families.base import Metric

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from components.families.base.metric import Table

MOST_CELLS = 100_000_000  # units times statistics; of more, rows are put together to units by chance
LEAST_UNITS = 400  # that rows are put together to: a standard error is right to 4 %


@dataclass(frozen=True)
class Units:
    """Which rows belong to which unit; where `member_UN` is None, every row is one."""

    count: int
    member_UN: csr_array | None = None

    @classmethod
    def of(cls, groups: Sequence[Sequence[str]]) -> Units:
        """The units of rows that belong to these groups; a row of no group is one by itself."""
        if not any(groups):
            return cls(len(groups))
        names = [sorted(set(row)) or [f"\0{number}"] for number, row in enumerate(groups)]
        number = {name: index for index, name in enumerate(sorted({name for row in names for name in row}))}
        unit = np.array([number[name] for row in names for name in row])
        return cls(len(number), _members(unit, np.repeat(np.arange(len(names)), [len(row) for row in names])))

    @property
    def overlap(self) -> bool:
        """Does a row belong to several, as a pair does to both its documents?"""
        return self.member_UN is not None and self.member_UN.nnz > self.member_UN.shape[1]

    def coarse(self, statistics: int) -> Units:
        """These, or rows put together by chance where there are too many for so many statistics."""
        most = max(LEAST_UNITS, MOST_CELLS // max(1, statistics))
        if self.member_UN is not None or self.count <= most:
            return self
        places = np.random.default_rng(self.count).permutation(self.count)
        return Units(most, _members(places % most, np.arange(self.count)))

    def pick(self, rows_N: np.ndarray) -> Units:
        """The units of those rows for which `rows_N` is true."""
        if self.member_UN is None:
            return Units(int(rows_N.sum()))
        some_UN = self.member_UN[:, np.flatnonzero(rows_N)]
        some_UN = some_UN[np.flatnonzero(np.diff(some_UN.indptr))]
        return Units(some_UN.shape[0], some_UN)


def _members(unit: np.ndarray, row: np.ndarray) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(row)), (unit, row)))


@dataclass(frozen=True)
class Sample:
    """A metric's value of the test rows, and without each unit of them."""

    value: float
    without_U: np.ndarray
    without_N: np.ndarray | None = None  # without each row, where rows belong to several units
    sums_S: np.ndarray | None = None  # of the statistics; None of a difference

    def __sub__(self, other: Sample) -> Sample:
        """The difference to the value of other answers to the same rows."""
        both = self.without_N is not None and other.without_N is not None
        return Sample(
            value=self.value - other.value,
            without_U=self.without_U - other.without_U,
            without_N=self.without_N - other.without_N if both else None,  # type: ignore[operator]
        )

    @property
    def bias(self) -> float:
        """Of the value, by the jackknife."""
        return float((len(self.without_U) - 1) * (self.without_U.mean() - self.value))

    @cached_property
    def influence(self) -> np.ndarray:
        """influence_U, how far each unit draws the value from where the others have it; their mean is 0, and
        their mean square over their number is the variance of the value.

        A pair draws for both its documents, so that its own part of the variance is there twice and comes off
        once (Aronow, Samii & Assenova 2015, for dyads). What is left is at least the half: so much it is
        where documents do not matter.
        """
        influence_U = _influence(self.value, self.without_U)
        if self.without_N is None or not influence_U.any():
            return influence_U
        own = _influence(self.value, self.without_N)
        variance, twice = (np.mean(one**2) / len(one) for one in (influence_U, own))
        return np.asarray(influence_U * np.sqrt(max(1 - twice / variance, 0.5)))


def _influence(value: float, without_U: np.ndarray) -> np.ndarray:
    influence_U = (len(without_U) - 1) * (value - without_U)
    return np.asarray(influence_U - influence_U.mean())


def sample(metric: Metric, statistics_NS: Table, units: Units) -> Sample:
    """The metric of rows that have these statistics."""
    rows, statistics = statistics_NS.shape
    single = Units(rows).coarse(statistics)
    return Sample(
        value=metric.total(statistics_NS),
        without_U=metric.without(statistics_NS, units.coarse(statistics).member_UN),
        without_N=metric.without(statistics_NS, single.member_UN) if units.overlap else None,
        sums_S=np.asarray(statistics_NS.sum(axis=0), dtype=np.float64).reshape(-1),
    )
