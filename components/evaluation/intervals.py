"""Intervals of a metric's value, and of the difference of two models on the same rows, without resamples.

A value's error changes along its scale (`Metric.scale`), and so do the ends of its interval:
- share: the score interval of Wilson (1927) at the effective number of rows, v (1 - v) / se^2 (Korn &
  Graubard 1998), or at `Metric.rows_that_count` where those are fewer. Of a share of rows that is the number
  of rows. An end that few rows make is as far off as their Poisson count allows (Brown, Cai & DasGupta 2001).
- correlation: symmetric in Fisher's z = atanh v (1921); of 1 or -1 without an exception that of a share. Of
  Pearson's r (`Metric.heavy`) the lower end is as far off as rows allow at which a model fails, of which few
  test rows hold any; both ends of one of classes as Wilson's intervals of their recalls allow (0111).
- error: symmetric in the logarithm of the distance from the best value; of none the end of a share of rows. A
  `Metric.heavy` one has the lower end of Pearson's r.

Standard errors are the jackknife's, biases too unless the metric knows its own. Quantiles are those of
Student's t with units - 1 degrees of freedom, or rows that count less 1; normal ones where a unit is right
or wrong and nothing between, so that its spread is known. docs/decisions/0051 has how often the intervals
hold the truth.

Legend: U units.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from components.evaluation.difference import Difference, quantile
from components.evaluation.units import Sample, Units
from components.families.base import Metric
from components.families.shared.counts import fewest

if TYPE_CHECKING:
    from components.families.base.metric import Table

ALIKE = 1e-6  # relative: two numbers so near to each other differ by rounding alone
MOST = 700.0  # exp() of more is not finite
FALL = 3 / 4  # of all places, for who is answered by a constant: to between the middle and the last


def interval(metric: Metric, measured: Sample, confidence: float, worth: float | None = None) -> list[float]:
    """Low end and high end, on the metric's scale. They are those of the value less its bias, and hold the
    value as it is too: of many classes with few rows each, a macro mean is too low by its nature. What an
    error is worth of which no row shows any is told by `worth` (see `worth_of`)."""
    lowest = {"share": 0.0, "correlation": -1.0, "error": -math.inf}[metric.scale]
    unbiased = min(max(measured.value - _bias(metric, measured), lowest), metric.best)
    low, high = _at_least(
        metric, measured, _around(metric, unbiased, measured, (1 + confidence) / 2), confidence
    )
    rows = len(measured.influence_of_rows)
    if worth is not None and metric.heavy:
        low = unbiased - _beyond(unbiased - low, worth, rows, (1 + confidence) / 2)
    low, high = max(low, lowest), min(high, metric.best)
    if worth is not None and metric.scale == "error" and low == metric.best:
        low -= worth * (1 - score(1.0, rows, (1 + confidence) / 2, None)[0])
    return [float(min(low, measured.value)), float(max(high, measured.value))]


def _at_least(
    metric: Metric, measured: Sample, ends: tuple[float, float], confidence: float
) -> tuple[float, float]:
    """The ends, or those by classes or bins where they are farther. Those of absolute values stand alone: a
    jackknife takes the spread of x for that of |x|, which is less where there is little error."""
    if metric.ends is None or measured.sums_S is None:
        return ends
    low, high = metric.ends(measured.sums_S, _variance(measured), (1 + confidence) / 2)
    alone = metric.absolute and _variance(measured) > 0  # rows that are all alike show no spread
    return (low, high) if alone else (min(low, ends[0]), max(high, ends[1]))


def _variance(measured: Sample) -> float:
    """Of the value."""
    return float(np.mean(measured.influence**2)) / max(len(measured.without_U) - 1, 1)


def _beyond(seen: float, worth: float, rows: int, level: float) -> float:
    """How far below the value its end is: as far as is `seen` of the rows that there are, where what is
    lost beyond is lost in rows of this worth, whose loss d has the variance d worth / rows (0085)."""
    unseen = quantile(level, None) ** 2 * worth / rows
    return (unseen + math.sqrt(unseen**2 + 4 * seen**2)) / 2


def _bias(metric: Metric, measured: Sample) -> float:
    if metric.bias is None or measured.sums_S is None:
        return measured.bias
    return metric.bias(measured.sums_S)


def _around(metric: Metric, value: float, measured: Sample, level: float) -> tuple[float, float]:
    units, freedom = len(measured.without_U), max(len(measured.without_U) - 1, 1)
    variance = _variance(measured)
    if metric.scale == "correlation":
        return _of_correlation(value, units, variance, level)
    if metric.scale == "share" and 0 <= value <= 1:
        spread, counted = value * (1 - value), _rows_that_count(metric, measured.sums_S)
        if variance * spread == 0 or math.isclose(variance * freedom, spread, rel_tol=ALIKE):
            return score(value, min(units, counted), level, None)
        freedom = max(1, int(min(units, counted)) - 1)
        return score(value, min(spread / variance, counted), level, freedom)
    half = quantile(level, freedom) * math.sqrt(variance)
    if metric.scale == "error" and value < metric.best:
        gap = metric.best - value
        factor = math.exp(min(half / gap, MOST))
        return metric.best - gap * factor, metric.best - gap / factor
    return value - half, value + half


def _of_correlation(value: float, units: int, variance: float, level: float) -> tuple[float, float]:
    if units < 2:  # of one unit alone no spread is known
        return -1.0, 1.0
    if abs(value) == 1 and variance == 0:
        low, high = score((1 + value) / 2, units, level, None)
        return 2 * low - 1, 2 * high - 1
    half = quantile(level, units - 1) * math.sqrt(variance)
    if abs(value) == 1:
        return value - half, value + half
    z, half = math.atanh(value), half / (1 - value**2)
    return math.tanh(z - half), math.tanh(z + half)


def _rows_that_count(metric: Metric, sums_S: np.ndarray | None) -> float:
    if metric.rows_that_count is None or sums_S is None:
        return math.inf
    return max(1.0, metric.rows_that_count(sums_S))


def score(share: float, rows: float, level: float, freedom: int | None) -> tuple[float, float]:
    """Wilson's interval of a share of so many rows, and where few rows are right, or wrong, wide enough for
    what is known of a Poisson count that is so low. An effective number of rows, which has degrees of
    freedom, counts nothing. Each end holds with the probability `level`."""
    low, high = wilson(share, rows, quantile(level, freedom))
    if freedom is not None:
        return low, high
    alpha = 2 * (1 - level)
    fewest_right, fewest_wrong = (fewest(part * rows, alpha) / rows for part in (share, 1 - share))
    return min(low, fewest_right), max(high, 1 - fewest_wrong)


def wilson(share: float, rows: float, z: float) -> tuple[float, float]:
    """The score interval of a share of so many rows, which may be no whole number (Wilson 1927)."""
    weight = z**2 / rows
    centre = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    return min(max(0.0, centre - half), share), max(min(1.0, centre + half), share)


def difference(one: Sample, other: Sample, worth: float | None = None) -> Difference:
    """That of two models on the same rows, in effective units won and lost.

    A row's pseudo-value (Tukey 1958) is what it adds to the difference. The numbers won and lost, and what
    one is worth, are those that have the sum and the sum of squares of the pseudo-values. A row that is not
    among these is worth `worth` (see `worth_of`), and by default as much as they are, or 1 where there are
    none. Of a share of rows all this is counting.

    Rows that belong to a group are one unit. Of those that belong to several, as pairs do to both their
    documents, as many are counted as have the variance that the groups tell; a row that fails is still one.
    """
    found = one - other
    parts_N, for_one = np.abs(found.value + found.influence_of_rows), found.rows_for_one
    rows, total, squares = len(parts_N), float(parts_N.sum()), float((parts_N**2).sum())
    units = max(1, int(rows / for_one))
    each = max(squares / total, total / rows) if squares > 0 else worth or 1.0  # no more than there are
    alike_N = (parts_N < ALIKE * each) | np.isclose(parts_N, each, rtol=ALIKE)
    won, lost = (units * (total / rows + sign * found.value) / (2 * each) for sign in (1, -1))
    return Difference(
        won=max(0.0, round(won, 9)),
        lost=max(0.0, round(lost, 9)),
        units=units,
        worth=each,
        freedom=None if alike_N.all() else max(len(found.without_U) - 1, 1),
        unseen=round(max(1.0, (worth or 0) / each / for_one), 9),
    )


def worth_of(metric: Metric, own_NS: Table, trivial_NS: Table, units: Units) -> float:
    """What a unit is worth at which a model fails, of which a few test rows may show none: as much as the
    value changes where it is answered as by the trivial model. Of a share of rows 1. Rows that belong to
    several units fail one by one.

    A loss at any of the units, whichever, has the variance of one at units that are worth the sum of squares
    of these changes over their sum, whichever way each goes. Where few rows count, as of an area, one of the
    rarer kind is worth at least what it loses by a fall from the best place; all, where no row tells a thing.
    """
    units = Units(own_NS.shape[0]) if units.overlap else units
    units = units.coarse(own_NS.shape[1])
    changed_U = metric.without(own_NS, units.member_UN, trivial_NS)
    parts_U = np.abs(units.count * (changed_U - metric.total(own_NS)))
    found = float((parts_U**2).sum() / parts_U.sum()) if parts_U.any() else 1.0
    sums_S = np.asarray(own_NS.sum(axis=0)).reshape(-1)
    found = max(found, units.count / max(_rows_that_count(metric, sums_S) / (4 * FALL), 1.0))
    return found if metric.dearest is None else max(found, metric.dearest(sums_S))


def worth_of_value(measured: Sample) -> float:
    """The same where nobody knows how a model that fails would answer: as if that counted for nothing."""
    parts_N = np.abs(measured.value + measured.influence_of_rows)
    return float((parts_N**2).sum() / parts_N.sum()) if parts_N.any() else 1.0
