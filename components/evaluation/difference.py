"""A paired difference of two models in a few numbers, from which every bound and p-value follows.

Rows that both answer alike say nothing of the difference; what counts is what one wins and the other loses.
Of a share of rows the rows are counted, and the bounds are those of the score interval of Tango (1998), which
holds where few rows differ, or none. Other metrics are brought to the same terms (`intervals.difference`),
and their bounds are those of Student's t where these are wider: where every unit is won by about as much,
there is no end at "all are won". Their rows are worth more or less, and those that few test rows do not show
may be the dearest: a loss beyond what is seen is taken for one in units of what a row is worth that is
answered as by the trivial model (`intervals.worth_of`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from components.records import Part

Interval = Annotated[list[float], Field(min_length=2, max_length=2)]  # its low end and its high end

STEPS = 100  # of a search for a root; ten are usual
ENOUGH = 1e-12  # of a score's z: so near to it is at it
LEAST_P = 1e-300  # below it a p-value is written as this


class Difference(Part):
    """A paired difference: what the first model wins and loses against the second, in units of rows."""

    won: float  # units that the first wins; of a metric that is no share of rows, effectively
    lost: float  # likewise
    # independent ones, won or lost or neither: rows, groups of rows, or so many rows as tell as much
    units: int
    worth: float  # what the metric of one unit alone gains where it is won: 1 of a share
    freedom: int | None  # of Student's t; null: every unit is worth the same, and the normal one holds
    # how many of these units one is worth that the rows do not show; null in evidence of before, of rows of
    # several groups: the score has Student's t instead
    unseen: float | None = None

    @property
    def value(self) -> float:
        """The difference itself, in the metric's own unit."""
        return self.worth * self._share

    def interval(self, confidence: float) -> Interval:
        """Low end and high end, two-sided."""
        return [self.low((1 + confidence) / 2), self.high((1 + confidence) / 2)]

    def low(self, confidence: float) -> float:
        """The difference is not below this, one-sided."""
        z = quantile(confidence, self._score_freedom)
        low = self.worth * _root(lambda share: self._z(share) - z, -self._most, self._share, z + 1)
        return low if self.freedom is None else min(low, self.value - self._student(confidence))

    def high(self, confidence: float) -> float:
        """The difference is not above this, one-sided."""
        z = quantile(confidence, self._score_freedom)
        high = self.worth * _root(lambda share: self._z(share) + z, self._share, self._most, z + 1)
        return high if self.freedom is None else max(high, self.value + self._student(confidence))

    def p_worse(self, loss: float = 0.0) -> float:
        """One-sided p of "no more than `loss` (0 or above) is lost": small where more is, and is shown to be.

        The score test. It is never below the exact test that no more is lost than won (McNemar 1947; of
        numbers that are not whole by the incomplete beta function): few units that differ show little.
        """
        from scipy.special import betainc

        share = -loss / self.worth
        found = [LEAST_P, betainc(self.lost, self.won + 1, 0.5) if self.lost > 0 else 1.0]
        found.append(below(self._z(share) if share > -self._most else math.inf, self._score_freedom))
        if self.freedom is not None and self.standard_error > 0:
            found.append(below((self.value + loss) / self.standard_error, self.freedom))
        return float(max(found))

    def least_excluded(self, confidence: float) -> float:
        """The smallest loss that so many units exclude where none is won or lost. A smaller margin is beyond
        what these test rows can decide, whatever the models."""
        return -self.model_copy(update={"won": 0.0, "lost": 0.0}).low(confidence)

    @property
    def standard_error(self) -> float:
        """Of the difference."""
        variance = (self.won + self.lost) / self.units - self._share**2
        return self.worth * math.sqrt(max(variance, 0.0) / self.units)

    @property
    def _share(self) -> float:
        return (self.won - self.lost) / self.units

    @property
    def _most(self) -> float:
        """The largest share there is: all units, of those that are worth most."""
        return max(1.0, self.unseen or 1.0)

    @property
    def _score_freedom(self) -> int | None:
        """A score's variance is that of its hypothesis, so that the normal distribution holds; evidence of
        before, of groups that share rows, has Student's t."""
        return self.freedom if self.unseen is None else None

    def _student(self, confidence: float) -> float:
        return quantile(confidence, self.freedom) * self.standard_error

    def _z(self, share: float) -> float:
        """Tango's statistic, which grows with the distance. As far as a share lies beyond the estimate and
        beyond no difference, no row has shown it: its variance is that of units that are worth `unseen`."""
        low, high = sorted((0.0, self._share))
        seen = max(low, min(share, high))
        if seen == share:
            return self._score(share, 0.0)
        near, far = self._score(seen, 0.0), self._score(share, abs(share - seen))
        return far if abs(far) >= abs(near) else near

    def _score(self, share: float, beyond: float) -> float:
        apart = self.won - self.lost - self.units * share
        variance = tango_variance(self.won, self.lost, self.units, max(-1.0, min(share, 1.0)))
        variance += self.units * (self._most - 1) * beyond
        return apart / math.sqrt(max(variance, LEAST_P)) if apart else 0.0


def tango_variance(won: float, lost: float, units: float, share: float) -> float:
    """Of won - lost, as is most likely where "(won - lost) / units is this share" is true (Tango 1998)."""
    linear = (2 * units - won + lost) * share - won - lost
    root = math.sqrt(max(linear**2 + 8 * units * lost * share * (1 - share), 0.0))
    return max((root - linear) / 2 + units * share * (1 - share), 0.0)


def _root(falling: Callable[[float], float], low: float, high: float, most: float) -> float:
    """Where the function crosses 0 between the two, or that end which is nearer to it; what lies beyond
    `most` is taken for it. By false position, the Illinois way (Dowell & Jarratt 1971)."""

    def value(place: float) -> float:
        return max(-most, min(falling(place), most))

    at_low, at_high, side = value(low), value(high), 0
    if at_low <= 0 or at_high >= 0:
        return low if at_low <= 0 else high
    for _ in range(STEPS):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        found = value(middle)
        if abs(found) < ENOUGH or not low < middle < high:
            return middle
        if found > 0:
            low, at_low, at_high, side = middle, found, at_high / (2 if side > 0 else 1), 1
        else:
            high, at_high, at_low, side = middle, found, at_low / (2 if side < 0 else 1), -1
    return (low + high) / 2


def below(z: float, freedom: int | None) -> float:
    """The probability of less than z: of Student's t; without degrees of freedom of the normal one."""
    from scipy.special import ndtr, stdtr

    return float(ndtr(z) if freedom is None else stdtr(freedom, z))


def quantile(level: float, freedom: int | None) -> float:
    """Of Student's t; without degrees of freedom of the normal distribution."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(level) if freedom is None else stdtrit(freedom, level))
