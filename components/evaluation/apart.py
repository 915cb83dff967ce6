"""The difference of two numbers from the intervals of the two (Zou & Donner 2008).

Of two models that err alike a metric's bias is the same, and a paired difference knows nothing of it
(`intervals.difference`). A model and a baseline may err otherwise, and so may any two whose number is a sum
of absolute values: chance adds most to that of a model without an error, and little to that of one which has
some, so that as much would be missing from a loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from components.evaluation import paired
from components.evaluation.difference import Interval
from components.evaluation.intervals import difference, interval
from components.evaluation.records import Comparison
from components.evaluation.units import Sample
from components.families.base import Metric

BY_CHANCE = 1 / 5  # of an interval's error: so seldom an error that is none counts as one in a comparison


@dataclass(frozen=True)
class Ended:
    """A number of a model that has an interval of its own."""

    value: float
    ends: Callable[[float], Interval]  # low end and high end, at a confidence
    sample: Sample
    best: float  # the number of a model without an error

    @classmethod
    def of(cls, metric: Metric, measured: Sample, worth: float | None = None) -> Ended:
        """A metric's value."""
        return cls(
            measured.value, lambda level: interval(metric, measured, level, worth), measured, metric.best
        )

    def less(self, other: Ended, confidence: float, related: float) -> Interval:
        """Low end and high end of the difference to another one, where the two have this correlation."""
        return put_together(self.value, self.ends(confidence), other.value, other.ends(confidence), related)

    def related(self, other: Ended, confidence: float) -> float:
        """How far the same rows draw two sums of absolute values the same way. That is known where both are
        shown to have errors, so that it is known which way these go; else the worst is taken."""
        sure = 1 - (1 - confidence) * BY_CHANCE
        shown = all(one.ends(sure)[1] < one.best for one in (self, other))
        return alike(self.sample, other.sample) if shown else -1.0


def compared(known: Comparison, model: Ended, other: Ended, confidence: float) -> Comparison:
    """A paired comparison of sums of absolute values, with the ends of the difference put together. Where the
    worst correlation is taken, an end of each has to hold: so each has half of the error of a bound, too."""
    related = model.related(other, confidence)
    lowest, highest = model.less(other, confidence, related)
    low = lowest if related == -1 else model.less(other, 2 * confidence - 1, related)[0]
    difference = min(max(known.difference, low), highest)
    reach = max(difference - lowest, highest - difference)
    found = known.model_copy(
        update={
            "difference": difference,
            "interval": [lowest, highest],
            "low": low,
            "se": reach / paired.quantile((1 + confidence) / 2),
            "counted": None,
        }
    )
    return found.model_copy(update={"p": paired.p_worse(found, 0.0, confidence)})


def gain(
    metric: Metric, model: Sample, baseline: Sample, confidence: float, worth: float | None = None
) -> Interval:
    """Low end and high end of the difference to a baseline on the same rows. Where the baseline has one value
    whatever the rows, as an area of 1/2, or the metric knows its bias, of which two models that err alike
    have the same, and a model and a baseline may not, they are put together from those of the two values. A
    baseline that never answers a class is not taken to do so, but may well meet it."""
    constant = np.allclose(baseline.without_U, baseline.value, rtol=0, atol=1e-12)
    if metric.bias is None and not constant:
        return difference(model, baseline).interval(confidence)
    own, other = Ended.of(metric, model, worth), Ended.of(metric, baseline)
    if not metric.absolute:
        other = replace(other, ends=partial(_of_baseline, metric, baseline, constant))
    related = own.related(other, confidence) if metric.absolute else alike(model, baseline)
    return own.less(other, confidence, related)


def _of_baseline(metric: Metric, baseline: Sample, constant: bool, confidence: float) -> Interval:
    if constant:
        return [baseline.value] * 2
    low, _ = interval(metric, baseline, confidence)
    return [low, interval(replace(metric, ends=None), baseline, confidence)[1]]


def alike(one: Sample, other: Sample) -> float:
    """How far the same rows draw two values the same way: their correlation."""
    size = math.sqrt(float(np.sum(one.influence**2)) * float(np.sum(other.influence**2)))
    return float(one.influence @ other.influence) / size if size > 0 else 0.0


def put_together(
    value: float, ends: list[float], other: float, others: list[float], alike: float
) -> list[float]:
    """The interval of a difference from those of the two values, whose correlation is `alike` (Zou & Donner
    2008; of shares Newcombe 1998, method 10)."""

    def apart(mine: float, its: float) -> float:
        return math.sqrt(max(mine**2 + its**2 - 2 * alike * mine * its, 0.0))

    (low, high), (its_low, its_high) = ends, others
    return [
        value - other - apart(value - low, its_high - other),
        value - other + apart(high - value, other - its_low),
    ]
