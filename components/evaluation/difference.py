"""A paired difference of two models in a few numbers, from which every bound and p-value follows.

Rows that both answer alike say nothing of the difference; what counts is what one wins and the other loses.
Of a share of rows the rows are counted, and the bounds are those of the score interval of Tango (1998), which
holds where few rows differ, or none. Other metrics are brought to the same terms (`intervals.difference`),
and their bounds are those of Student's t where these are wider: where every unit is won by about as much,
there is no end at "all are won".
"""

from __future__ import annotations

import math
from collections.abc import Callable

from components.records import Part

STEPS = 60  # of a bisection: the ends are right to 1e-18 of a row's worth
LEAST_P = 1e-300  # below it a p-value is written as this


class Difference(Part):
    """A paired difference: what the first model wins and loses against the second, in units of rows."""

    won: float  # units that the first wins; of a metric that is no share of rows, effectively
    lost: float  # likewise
    units: int  # independent ones, won or lost or neither: rows, or groups of rows
    worth: float  # what the metric of one unit alone gains where it is won: 1 of a share
    freedom: int | None  # of Student's t; null: every unit is worth the same, and the normal one holds

    @property
    def value(self) -> float:
        """The difference itself, in the metric's own unit."""
        return self.worth * self._share

    def interval(self, confidence: float) -> list[float]:
        """Low end and high end, two-sided."""
        return [self.low((1 + confidence) / 2), self.high((1 + confidence) / 2)]

    def low(self, confidence: float) -> float:
        """The difference is not below this, one-sided."""
        z = quantile(confidence, self.freedom)
        low = self.worth * _turn(lambda share: self._z(share) > z, -1.0, self._share)
        return low if self.freedom is None else min(low, self.value - z * self.standard_error)

    def high(self, confidence: float) -> float:
        """The difference is not above this, one-sided."""
        z = quantile(confidence, self.freedom)
        high = self.worth * _turn(lambda share: self._z(share) > -z, self._share, 1.0)
        return high if self.freedom is None else max(high, self.value + z * self.standard_error)

    def p_worse(self, loss: float = 0.0) -> float:
        """One-sided p of "no more than `loss` (0 or above) is lost": small where more is, and is shown to be.

        The score test. It is never below the exact test that no more is lost than won (McNemar 1947; of
        numbers that are not whole by the incomplete beta function): few units that differ show little.
        """
        from scipy.special import betainc, ndtr, stdtr

        share = -loss / self.worth
        z = self._z(share) if share > -1 else math.inf
        if self.freedom is not None and self.standard_error > 0:
            z = max(z, (self.value + loss) / self.standard_error)
        score = ndtr(z) if self.freedom is None else stdtr(self.freedom, z)
        exact = betainc(self.lost, self.won + 1, 0.5) if self.lost > 0 else 1.0
        return float(max(score, exact, LEAST_P))

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

    def _z(self, share: float) -> float:
        return tango(self.won, self.lost, self.units, share)


def tango(won: float, lost: float, units: float, share: float) -> float:
    """The score statistic of "(won - lost) / units is this share" (Tango 1998): the distance from it over the
    standard error that is most likely where it is true."""
    apart = won - lost - units * share
    linear = (2 * units - won + lost) * share - won - lost
    root = math.sqrt(max(linear**2 + 8 * units * lost * share * (1 - share), 0.0))
    variance = (root - linear) / 2 + units * share * (1 - share)
    return apart / math.sqrt(max(variance, LEAST_P)) if apart else 0.0


def _turn(is_below: Callable[[float], bool], low: float, high: float) -> float:
    """Where `is_below` turns from true to false between the two."""
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


def quantile(level: float, freedom: int | None) -> float:
    """Of Student's t; without degrees of freedom of the normal distribution."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(level) if freedom is None else stdtrit(freedom, level))
