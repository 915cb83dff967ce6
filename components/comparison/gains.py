"""What each task gains or loses by joint training, with intervals over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from components.comparison.records import Gain, RelativeGain, Shown
from components.holm import holm

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
    return _with_shown(found, confidence)


def _with_shown(tasks: Mapping[str, Gain], confidence: float) -> dict[str, Gain]:
    """What of the gains and losses is shown, each corrected for the number of heads (Holm 1979): of
    twenty that gain nothing one or another seems to lose. Of one head it is what its interval excludes."""
    p_values = {head: _p_of_none(task.by_seed) for head, task in tasks.items() if task.interval}
    error = (1 - confidence) / 2
    helps = holm({head: gain for head, (gain, _) in p_values.items()}, error)
    harms = holm({head: loss for head, (_, loss) in p_values.items()}, error)
    said: dict[str, Shown] = {**dict.fromkeys(helps, "helps"), **dict.fromkeys(harms, "harms")}
    return {head: task.model_copy(update={"shown": said.get(head)}) for head, task in tasks.items()}


def _p_of_none(by_seed: Sequence[float]) -> tuple[float, float]:
    """One-sided p of "there is no gain" and of "there is no loss", by Student's t."""
    from scipy.special import stdtr

    t = float(np.mean(by_seed)) / (float(np.std(by_seed, ddof=1)) / len(by_seed) ** 0.5)
    return float(stdtr(len(by_seed) - 1, -t)), float(stdtr(len(by_seed) - 1, t))


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
