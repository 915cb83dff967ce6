"""Numbers: how long texts are, how many of their tokens are unknown, and how sure the model is of each task.

The shift of a model's own outputs is what few texts show best (Rabanser et al. 2019, section 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from components.monitoring.detectors.base import Comparison, Seen, largest_step


def _tests(seen: Seen) -> Iterator[Comparison]:
    now_N = seen.later_N
    for name, values_N in seen.texts.numbers.items():
        what, before, after = _moved(values_N[~now_N], values_N[now_N])
        said = f"{name}: the {what} was {before:.3g} and is {after:.3g}"
        scores_N = np.nan_to_num(values_N if after >= before else -values_N, nan=-np.inf)
        yield Comparison(
            subject=name, words=said, statistic=partial(largest_step, values_N), scores_N=scores_N
        )


def _moved(before: np.ndarray, after: np.ndarray) -> tuple[str, float, float]:
    """The medians, or the means where the medians are the same."""
    one, other = before[~np.isnan(before)], after[~np.isnan(after)]
    if not len(one) or not len(other):
        return "median", float("nan"), float("nan")
    if np.median(one) != np.median(other):
        return "median", float(np.median(one)), float(np.median(other))
    return "mean", float(one.mean()), float(other.mean())


DETECTOR = _tests
