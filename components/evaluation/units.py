"""What an interval is made of: independent units of the test rows, and a metric's value without each of them.

A unit is a row, or a group that rows belong to (`splits.groups`): a document with all the pairs that it is
part of. The value without each unit in turn (the jackknife: Quenouille 1956, Tukey 1958) says how much hangs
on it. That needs no random number and no table of resamples, and holds for every function of sums.

A jackknife's variance is too large where units draw the value together: what two do beyond what each does
is there twice (Efron & Stein 1981). The value without two units tells how much that is.

Legend: N rows, U units, P pairs of units, S statistics.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from components.families.base import Family, Metric, Row
from components.families.base.capabilities import Events
from components.families.shared.fingerprint import text_key

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from components.families.base.metric import Table

MOST_CELLS = 100_000_000  # units times statistics; of more, rows are put together to units by chance
LEAST_UNITS = 400  # that rows are put together to: a standard error is right to 4 %
MOST_PAIRS, LEAST_PAIRS = 2_500, 100  # of units that are left out together; of more, so many by chance
PAIR_CELLS = 4_000_000  # pairs times statistics
LEAST_TOGETHER = 4  # units; of fewer nothing is told of two


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

    @classmethod
    def of_rows(cls, family: Family, rows: Sequence[Row]) -> Units:
        """The units of test rows: of their groups, and where these hold no other row, of rows that say the
        same. A file with each row ten times (`cleaning.duplicates: keep`) tells no more than one that has it
        once, also where each has a group of its own. Events are none of these: the same inputs come again,
        and each outcome is news."""
        groups = [row["groups"] for row in rows]
        size = Counter(group for row in groups for group in set(row))
        shared = [any(size[group] > 1 for group in row) for row in groups]
        if isinstance(family, Events) or all(shared):
            return cls.of(groups)
        copies = _copies(family, rows)
        return cls.of([g if one else same for g, one, same in zip(groups, shared, copies, strict=True)])

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

    def pairs(self, statistics: int) -> tuple[np.ndarray, np.ndarray]:
        """one_P and other_P: every pair, or of many, and of so many statistics, some by chance."""
        most = max(LEAST_PAIRS, min(MOST_PAIRS, PAIR_CELLS // max(1, statistics)))
        if self.count * (self.count - 1) // 2 <= most:
            return np.triu_indices(self.count, 1)
        generator = np.random.default_rng(self.count)
        one_P, ahead_P = generator.integers(0, self.count, most), generator.integers(1, self.count, most)
        return one_P, (one_P + ahead_P) % self.count

    def pick(self, rows_N: np.ndarray) -> Units:
        """The units of those rows for which `rows_N` is true."""
        if self.member_UN is None:
            return Units(int(rows_N.sum()))
        some_UN = self.member_UN[:, np.flatnonzero(rows_N)]
        some_UN = some_UN[np.flatnonzero(np.diff(some_UN.indptr))]
        return Units(some_UN.shape[0], some_UN)


def _copies(family: Family, rows: Sequence[Row]) -> list[list[str]]:
    """For each row a name that all have that say the same as it, but for case, punctuation and spacing; none
    where it is the only one."""
    lessons = [(text_key(family.text_of(row)), family.target_of(row)) for row in rows]
    count = Counter(lessons)
    return [[f"\0{lesson!r}"] if count[lesson] > 1 else [] for lesson in lessons]


def _members(unit: np.ndarray, row: np.ndarray, rows: int | None = None) -> csr_array:
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(row)), (unit, row)), shape=(unit.max() + 1, rows) if rows else None)


@dataclass(frozen=True)
class Sample:
    """A metric's value of the test rows, and without each unit of them."""

    value: float
    without_U: np.ndarray
    without_N: np.ndarray | None = None  # without each row, where rows belong to several units
    together_P: np.ndarray | None = None  # where they do not: what two units draw beyond what each does
    sums_S: np.ndarray | None = None  # of the statistics; None of a difference

    def __sub__(self, other: Sample) -> Sample:
        """The difference to the value of other answers to the same rows."""
        return Sample(
            value=self.value - other.value,
            without_U=self.without_U - other.without_U,
            without_N=_apart(self.without_N, other.without_N),
            together_P=_apart(self.together_P, other.together_P),
        )

    @property
    def nothing(self) -> Sample:
        """A value of 0 whatever the rows: less it, this is what it was."""
        return self - self

    @property
    def bias(self) -> float:
        """Of the value, by the jackknife."""
        return float((len(self.without_U) - 1) * (self.without_U.mean() - self.value))

    @cached_property
    def influence(self) -> np.ndarray:
        """influence_U, how far each unit draws the value from where the others have it; their mean is 0, and
        their mean square over their number is the variance of the value."""
        influence_U = _influence(self.value, self.without_U)
        return influence_U * math.sqrt(self._once(influence_U)) if influence_U.any() else influence_U

    @cached_property
    def influence_of_rows(self) -> np.ndarray:
        """influence_N of each row by itself where rows belong to several units; else that of the units."""
        return self.influence if self.without_N is None else _influence(self.value, self.without_N)

    @property
    def rows_for_one(self) -> float:
        """How many rows tell as much as one that hangs on no other (a design effect: Kish 1965): as many
        times as the variance by units is that by rows. At least one, and one where rows are units."""
        if self.without_N is None or not self.influence_of_rows.any():
            return 1.0
        return max(1.0, _variance(self.influence) / _variance(self.influence_of_rows))

    def _once(self, influence_U: np.ndarray) -> float:
        """The share of a jackknife's variance that is left once nothing is there twice.

        A pair of documents draws for both of them, so that its own part comes off once (Aronow, Samii &
        Assenova 2015, for dyads). What is left is at least the half: so much it is where documents do not
        matter. Of other units it is what two draw together (Efron & Stein 1981, section 4; unbiased for a
        mean over all pairs). What three draw together would come off too, which is too much: a third at most.
        """
        units, variance = len(influence_U), float(np.mean(influence_U**2)) / len(influence_U)
        if self.without_N is not None:
            own_N = self.influence_of_rows
            return max(1 - float(np.mean(own_N**2)) / len(own_N) / variance, 1 / 2)
        if self.together_P is None:
            return 1.0
        twice = (units - 3) / (units - 2) * float(np.var(self.together_P)) / 2
        return max(1 - twice / (variance * units / (units - 1)), 2 / 3)


def _apart(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    return None if one is None or other is None else one - other


def _variance(influence_U: np.ndarray) -> float:
    """Of the value."""
    return float(np.mean(influence_U**2)) / max(len(influence_U) - 1, 1)


def _influence(value: float, without_U: np.ndarray) -> np.ndarray:
    influence_U = (len(without_U) - 1) * (value - without_U)
    return np.asarray(influence_U - influence_U.mean())


def sample(metric: Metric, statistics_NS: Table, units: Units) -> Sample:
    """The metric of rows that have these statistics."""
    rows, statistics = statistics_NS.shape
    single, units = Units(rows).coarse(statistics), units.coarse(statistics)
    value, without_U = metric.total(statistics_NS), metric.without(statistics_NS, units.member_UN)
    return Sample(
        value=value,
        without_U=without_U,
        without_N=metric.without(statistics_NS, single.member_UN) if units.overlap else None,
        together_P=None if units.overlap else _together(metric, statistics_NS, units, value, without_U),
        sums_S=np.asarray(statistics_NS.sum(axis=0), dtype=np.float64).reshape(-1),
    )


def _together(
    metric: Metric, statistics_NS: Table, units: Units, value: float, without_U: np.ndarray
) -> np.ndarray | None:
    """together_P of pairs of units: 0 of a mean over units, and of what is nearly one about that."""
    if units.count < LEAST_TOGETHER:
        return None
    one_P, other_P = units.pairs(statistics_NS.shape[1])
    both_PU = _members(np.tile(np.arange(len(one_P)), 2), np.concatenate([one_P, other_P]), units.count)
    of_units_US = statistics_NS if units.member_UN is None else units.member_UN @ statistics_NS
    without_P = metric.without(of_units_US, both_PU)
    alone_P = without_U[one_P] + without_U[other_P]
    return np.asarray(units.count * value - (units.count - 1) * alone_P + (units.count - 2) * without_P)
