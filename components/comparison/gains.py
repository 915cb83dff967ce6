"""What each task gains or loses by joint training, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from components.comparison.records import Gain, RelativeGain

SAME = 1e-9  # relative: gains so near to each other differ by rounding alone
Scores = Mapping[str, Sequence[float]]  # head -> its metric with each seed


class Mean(NamedTuple):
    """A mean over the seeds, and its interval, low end and high end, where there is one."""

    gain: float
    interval: list[float] | None


def gains(joint: Scores, alone: Scores, metric: Mapping[str, str], confidence: float) -> dict[str, Gain]:
    """head -> its means, and the gain, joint - alone, in units of its `metric` (all: higher is better).

    A seed draws the same rows of a task in the same steps in both runs, so the gain is taken seed by seed.
    """
    found = {}
    for head in joint:
        by_seed = [one - other for one, other in zip(joint[head], alone[head], strict=True)]
        mean = mean_over_seeds(by_seed, confidence)
        found[head] = Gain(
            metric=metric[head],
            joint=float(np.mean(joint[head])),
            alone=float(np.mean(alone[head])),
            by_seed=by_seed,
            gain=mean.gain,
            interval=mean.interval,
        )
    return found


def delta_m(joint: Scores, alone: Scores, confidence: float) -> RelativeGain:
    """The mean over tasks of the relative gain (joint - alone) / alone: Maninis et al. 2019.

    A task whose metric alone is not above 0 with every seed has no relative gain and is left out, by name.
    """
    heads = [head for head in joint if min(alone[head]) > 0]
    left_out = [head for head in joint if head not in heads]
    if not heads:
        return RelativeGain(gain=None, interval=None, left_out=left_out)
    joint_KS, alone_KS = (np.array([scores[head] for head in heads]) for scores in (joint, alone))
    by_seed = ((joint_KS - alone_KS) / alone_KS).mean(axis=0)
    mean = mean_over_seeds(by_seed.tolist(), confidence)
    return RelativeGain(gain=mean.gain, interval=mean.interval, left_out=left_out)


def mean_over_seeds(values: Sequence[float], confidence: float) -> Mean:
    """Their mean and its t-interval (Student 1908), n - 1 degrees of freedom. With one seed there is none,
    nor where all values are the same, as of a test set of few rows: how far others may differ is not
    known."""
    from scipy.special import stdtrit

    n, mean = len(values), float(np.mean(values))
    if np.ptp(values) <= SAME * np.abs(values).max():
        return Mean(mean, None)
    half = float(stdtrit(n - 1, (1 + confidence) / 2)) * float(np.std(values, ddof=1)) / n**0.5
    return Mean(mean, [mean - half, mean + half])
