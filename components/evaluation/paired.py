"""What follows from a paired difference: is a loss excluded, is one shown, and how many rows would tell?

Its bounds come with the evidence, and what depends on the settings (a margin, a share of it) is computed
here, so that another margin needs no new evaluation. Evidence that does not say what was won and lost
(`Difference`) is taken to be normal.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from components.evaluation.difference import Interval
from components.evaluation.records import Comparison

if TYPE_CHECKING:
    from components.families.base.metric import Table

NORMAL = NormalDist()
FEW = 5  # discordant rows; with fewer, a test set does not tell two models apart


def discordant(one_NS: Table, other_NS: Table) -> int:
    """How many rows count otherwise for the one than for the other, whatever the metric."""
    differs_NS = one_NS != other_NS
    return int((differs_NS.sum(axis=1) > 0).sum())


def lower_bound(comparison: Comparison) -> float:
    """Below this the difference is not, at the evidence's confidence, one-sided. Of evidence that does not
    name it, the lower end of the two-sided interval, which is stricter."""
    return comparison.interval[0] if comparison.low is None else comparison.low


def bound(comparison: Comparison, level: float, confidence: float) -> float:
    """Below this the difference is not, at this level, one-sided; the evidence is at `confidence`."""
    if comparison.counted is not None:
        return comparison.counted.low(level)
    return comparison.difference - quantile(level) * standard_error(comparison, confidence)


def standard_error(comparison: Comparison, confidence: float) -> float:
    """Of the difference; from the width of its interval where the evidence does not name it."""
    if comparison.se is not None:
        return comparison.se
    return error_of(comparison.interval, confidence)


def error_of(interval: Interval, confidence: float) -> float:
    """The standard error that an interval would have come from, were its ends those of a normal one."""
    low, high = interval
    return (high - low) / (2 * quantile(1 - (1 - confidence) / 2))


def p_worse(comparison: Comparison, loss: float, confidence: float) -> float:
    """One-sided p of "no more than `loss` was lost": small where more was, and is shown to be. Never below
    that of a sign test in which the candidate lost every row that differs."""
    if comparison.counted is not None:
        return comparison.counted.p_worse(loss)
    error, above = standard_error(comparison, confidence), comparison.difference + loss
    least = 0.5**comparison.discordant if comparison.discordant is not None else 0.0
    if error == 0:
        return least if above < 0 else 1.0
    return max(least, NORMAL.cdf(above / error))


def p_below(value: float, interval: Interval, limit: float, confidence: float) -> float:
    """One-sided p of "it is no lower than `limit`": small where the value is, and is shown to be. At a limit
    that is the interval's high end it is that end's error; elsewhere the end is taken to move as a normal
    one does."""
    reach = interval[1] - value
    if value >= limit or reach <= 0:
        return 1.0 if value >= limit else 0.0
    return NORMAL.cdf(-quantile((1 + confidence) / 2) * (limit - value) / reach)


def rows_needed(reach: float, distance: float, rows: int) -> int | None:
    """How many rows more, about, bring a bound that is `reach` below its estimate within `distance` of it, if
    the estimate stays: a bound closes in with the root of the rows. None where no number of rows would."""
    if distance <= 0 or not math.isfinite(reach):
        return None
    return two_digits(max(1, math.ceil(rows * (reach / distance) ** 2) - rows))


def two_digits(rows: int) -> int:
    """So many or a few more: two digits say all that is known of an estimate."""
    step: int = 10 ** max(0, len(str(rows)) - 2)
    return math.ceil(rows / step) * step


def quantile(share: float) -> float:
    """Of the normal distribution."""
    return NORMAL.inv_cdf(share)
