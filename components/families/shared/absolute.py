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


def folded(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The expectation of |x| where x is normal (Leone et al. 1961)."""
    from scipy.special import ndtr

    ratio = mean / np.maximum(spread, LEAST_SPREAD)
    return np.asarray(spread * OF_NONE * np.exp(-(ratio**2) / 2) + mean * (1 - 2 * ndtr(-ratio)))


def ends_of_sum(apart_B: np.ndarray, spread_B: np.ndarray, level: float) -> tuple[float, float]:
    """Low end and high end of the sum of |true value|, each of which holds with the probability `level`.

    The low one: of each part as much is taken off as chance adds at most by its own size, since E of
    (2 / sqrt(pi)) exp(-x^2 / 2) is sqrt(2 / pi) exp(-m^2 / 4) >= E |x| - |m| for a normal x about m. It is 0
    where no part is shown to be any. The high one: chance adds least to a sum whose parts are all equally
    large for their spread, so that such a sum is the largest that may be behind this one.
    """
    from scipy.special import ndtri

    some = spread_B > LEAST_SPREAD
    size_B, spread_B = np.abs(apart_B[some]), spread_B[some]
    known, total = float(np.abs(apart_B[~some]).sum()), float(spread_B.sum())
    if not some.any():
        return known, known
    ratio_B, reach = size_B / spread_B, float(ndtri(level)) * math.sqrt(float((spread_B**2).sum()))
    by_chance = float((spread_B * 2 / math.sqrt(math.pi) * np.exp(-(ratio_B**2) / 2)).sum())
    none = not known and _chance_of_more(ratio_B, spread_B) > 2 * (1 - level)
    low = 0.0 if none else max(0.0, float(size_B.sum()) - by_chance - reach)
    return known + low, known + total * _behind((float(size_B.sum()) + reach) / total)


def _chance_of_more(ratio_B: np.ndarray, spread_B: np.ndarray) -> float:
    """How often parts that are truly none would be further off: the test of Hosmer & Lemeshow (1980), by that
    multiple of a chi-squared number which has the variance of squares of counts (Satterthwaite 1946): few
    make some of them large."""
    from scipy.special import gammaincc

    variance = float((2 + spread_B**-2.0).sum())
    scale = variance / (2 * len(ratio_B))
    return float(gammaincc(len(ratio_B) / scale / 2, (ratio_B**2).sum() / scale / 2))


def _behind(mean: float) -> float:
    """The true value, in units of its spread, of which chance makes this one in the mean; 0 where it makes
    more of none."""
    from scipy.optimize import brentq

    if mean <= OF_NONE:
        return 0.0
    one = np.ones(1)
    return float(brentq(lambda true: folded(true * one, one)[0] - mean, 0.0, mean))
