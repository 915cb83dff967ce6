"""The interval of a sum of absolute values, as a calibration error is one over bins.

Chance makes each part larger, and by how much depends on how large it truly is: most where it is none. An
estimate of that is too low or too high, whatever it is (|x| has a kink, and the mean of no function of a
normal number has one), so each end errs on its own safe side.

Legend: B parts, each a sum of what was expected less what came, in units of one answer, with a known spread.
"""

from __future__ import annotations

import math

import numpy as np

LEAST_SPREAD = 1e-12  # keeps a spread of 0 from dividing
OF_NONE = math.sqrt(2 / math.pi)  # the mean of |x| where x is standard normal
LARGE = 3.5  # spreads; chance adds nothing to such a part, and seldom makes one of less than two spreads
LEAST_SKEW = 1e-5  # of a sum: less is none
MOST_SPREADS = 10.0  # of a sum, that a low quantile may lie below the mean


def folded(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The expectation of |x| where x is normal (Leone et al. 1961)."""
    from scipy.special import ndtr

    ratio = mean / np.maximum(spread, LEAST_SPREAD)
    return np.asarray(spread * OF_NONE * np.exp(-(ratio**2) / 2) + mean * (1 - 2 * ndtr(-ratio)))


def ends_of_sum(apart_B: np.ndarray, spread_B: np.ndarray, level: float) -> tuple[float, float]:
    """Low end and high end of the sum of |true value|, each of which holds with the probability `level`.

    The low one: of each part as much is taken off as chance adds at most by its own size, since E of
    (2 / sqrt(pi)) exp(-x^2 / 2) is sqrt(2 / pi) exp(-m^2 / 4) >= E |x| - |m| for a normal x about m. It is 0
    where no part is shown to be any. Of the high one see `_high`.
    """
    from scipy.special import ndtri

    some = spread_B > LEAST_SPREAD
    size_B, spread_B = np.abs(apart_B[some]), spread_B[some]
    known = float(np.abs(apart_B[~some]).sum())
    if not some.any():
        return known, known
    ratio_B, reach = size_B / spread_B, float(ndtri(level)) * math.sqrt(float((spread_B**2).sum()))
    by_chance = float((spread_B * 2 / math.sqrt(math.pi) * np.exp(-(ratio_B**2) / 2)).sum())
    none = not known and _chance_of_more(ratio_B, spread_B) > 2 * (1 - level)
    low = 0.0 if none else max(0.0, float(size_B.sum()) - by_chance - reach)
    return known + low, known + _high(size_B, spread_B, level)


def _chance_of_more(ratio_B: np.ndarray, spread_B: np.ndarray) -> float:
    """How often parts that are truly none would be further off: the test of Hosmer & Lemeshow (1980), by that
    multiple of a chi-squared number which has the variance of squares of counts (Satterthwaite 1946): few
    make some of them large."""
    from scipy.special import gammaincc

    variance = float((2 + spread_B**-2.0).sum())
    scale = variance / (2 * len(ratio_B))
    return float(gammaincc(len(ratio_B) / scale / 2, (ratio_B**2).sum() / scale / 2))


def _high(size_B: np.ndarray, spread_B: np.ndarray, level: float) -> float:
    """The high end. Parts that are seen to be large stand apart: chance adds nothing to them, so that their
    sum is normal. The two are put together as values that err apart (Zou & Donner 2008). It is no less than
    what is seen: where chance makes all parts small, they are not known to be none."""
    from scipy.special import ndtri

    large = size_B > LARGE * spread_B
    small, spread = float(size_B[~large].sum()), spread_B[~large]
    middle, high = (_behind(small, spread, one) for one in (0.5, level))
    reach = float(ndtri(level)) * math.sqrt(float((spread_B[large] ** 2).sum()))
    return float(size_B.sum()) + max(0.0, middle - small + math.hypot(reach, high - middle))


def _behind(seen: float, spread_B: np.ndarray, level: float) -> float:
    """The largest sum of true values of which chance makes no more than is seen as seldom as 1 - `level`; 0
    where it makes more of none. E |x| is convex in the true value, so that chance adds least to a sum whose
    parts are all equally large for their spread (Jensen 1906): those are the ones behind the largest."""
    from scipy.optimize import brentq

    one, two, three = (float((spread_B**power).sum()) for power in (1, 2, 3))

    def above(true: float) -> float:
        mean, variance, third = _moments(true)
        return one * mean + _low_quantile(two * variance, three * third, level) - seen

    if not one or above(0.0) >= 0:
        return 0.0
    return one * float(brentq(above, 0.0, (seen + MOST_SPREADS * math.sqrt(two)) / one))


def _low_quantile(variance: float, third: float, level: float) -> float:
    """How far from its mean a sum is which lies above with the probability `level`: by the gamma distribution
    of its variance and third moment (Pearson 1959)."""
    from scipy.special import gammaincinv

    skew = max(third / math.pow(variance, 1.5), LEAST_SKEW)
    shape = 4 / skew**2
    quantile = float(gammaincinv(shape, 1 - level))
    return math.sqrt(variance / shape) * (quantile - shape)


def _moments(true: float) -> tuple[float, float, float]:
    """Mean, variance and third central moment of |x|, x normal with a spread of 1 (Leone et al. 1961)."""
    odd = true * math.erf(true / math.sqrt(2))
    mean = OF_NONE * math.exp(-(true**2) / 2) + odd
    variance = 1 + true**2 - mean**2
    return mean, variance, (true**2 + 2) * mean + odd - 3 * mean * variance - mean**3
