"""What more training would bring: a head's learning curve, from its validation scores, with an interval.

The score after t of the run's steps is a + b g_c(t), where g_c(t) = (1 - t^-c) / c is the power law that
learning curves mostly follow (Viering & Loog 2022), and c = 0 is its limit, log t. Which c it is nobody knows
from a dozen noisy scores. So each gets its own Bayesian linear regression, with conjugate priors, and they
are averaged by how likely they make the scores (Hoeting et al. 1999). All scores are on the same rows, so
what varies about the curve is training, not the choice of rows.

Legend: E evaluations, D draws from the posterior.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.keyed import derive_seed
from components.training.run.records import Ahead
from components.training.run.state import Entry

FEWEST = 6  # evaluations; of fewer, no interval held what it promised
IN_A_ROW = 2  # of them, at which no head improves, before that is settled: one may be an accident
SETTLED = FEWEST + IN_A_ROW - 1  # evaluations that it takes
EXPONENTS = (0.0, 0.5, 1.0, 2.0, 4.0)
BEGIN = 1 / 3  # of the run; before it rates rise and heads find their place, which no power law describes
WIDE = 30.0  # the prior's standard deviation of a and b, in standard deviations of the noise
NOISE = 0.5  # the prior's guess of the noise, over the range of the scores; it counts as two evaluations
STILL = 0.1  # of all that it has learnt: the range that counts of scores that stand still
COUNT = 16  # evaluations that many of them count as: neighbours resemble each other
DRAWS = 2000
RISEN = 3.0  # times an evaluation's noise; of scores that chance alone moves few rise so far
SURE = 0.8  # probability with which a head is said to improve, or not to
LEAST = 0.02, 0.25  # of all that it has learnt, and of an evaluation's noise: a smaller rise is none
INTERVAL = (0.05, 0.95)
MORE = 2.0  # times the run's steps, of which the report tells


@dataclass(frozen=True)
class Forecast:
    """What a run of other length would come to, in draws from the posterior."""

    now_D: np.ndarray  # the curve at the end of the run
    then_D: np.ndarray  # the curve at the other length
    score_D: np.ndarray  # what an evaluation would find there
    least_D: np.ndarray  # a rise that counts

    @property
    def improves(self) -> bool | None:
        """Is the curve higher there, by more than counts for nothing? None where that is not known."""
        chance = float(np.mean(self.then_D - self.now_D > self.least_D))
        return None if 1 - SURE < chance < SURE else chance >= SURE


def forecast(steps: Sequence[int], scores: Sequence[float], more: float) -> Forecast:
    """Where the curve through `scores` after `steps` is at `more` times the last of the steps, of a head that
    has begun."""
    t_E = np.asarray(steps, dtype=float) / steps[-1]
    known = (t_E >= BEGIN) & np.isfinite(scores)
    seen = [score for score in scores if np.isfinite(score)]
    learnt, ends = float(np.ptp(seen)), _ends(min(seen), max(seen))
    t_E, y_E = t_E[known], np.asarray(scores, dtype=float)[known]
    scale = float(np.ptp(y_E)) or STILL * learnt or 1.0  # few rows give one score again and again
    fits = [_fit(t_E, (y_E - y_E.mean()) / scale, exponent) for exponent in EXPONENTS]
    evidence = np.array([fit.evidence for fit in fits])
    weights = np.exp(evidence - evidence.max())
    random = np.random.default_rng(derive_seed("learning curve", *steps))
    counts = random.multinomial(DRAWS, weights / weights.sum())
    drawn = [fit.draw(random, int(count), more) for fit, count in zip(fits, counts, strict=True)]
    now_D, then_D, noise_D = (scale * np.concatenate(part) for part in zip(*drawn, strict=True))
    now_D, then_D = now_D + y_E.mean(), then_D + y_E.mean()
    least_D = np.maximum(LEAST[0] * learnt, LEAST[1] * noise_D)
    score_D = then_D + noise_D * random.standard_normal(DRAWS)
    now_D, then_D, score_D = (np.clip(one_D, *ends) for one_D in (now_D, then_D, score_D))
    return Forecast(now_D, then_D, score_D, least_D)


def _ends(low: float, high: float) -> tuple[float, float]:
    """What no score is below or above: from 0 to 1 where all are, as shares of rows, from -1 to 1 as
    correlations, and up to 0 where none is above and some is below -1, as errors."""
    if low < -1:
        return -np.inf, 0.0 if high <= 0 else np.inf
    return (0.0 if low >= 0 else -1.0, 1.0) if high <= 1 else (-np.inf, np.inf)


def has_begun(scores: Sequence[float]) -> bool:
    """Has a head risen since its first evaluation, by more than noise rises? If not, it may have learnt
    nothing yet, and its scores tell nothing of what is to come; nor do they where one of the later half is no
    number."""
    (first, *others), late = [s for s in scores if np.isfinite(s)] or [0.0], scores[len(scores) // 2 :]
    noise = float(np.std(np.diff(others))) / 2**0.5 if len(others) > 1 else 0.0
    return bool(np.isfinite(late).all()) and float(np.mean(late)) - first > RISEN * noise


@dataclass(frozen=True)
class _Fit:
    """The posterior of a, b and the noise for one exponent: normal, given an inverse gamma variance."""

    exponent: float
    centre: float  # of g over the evaluations
    spread: float
    mean: np.ndarray  # of a and b
    covariance: np.ndarray  # over the noise's variance
    shape: float
    rate: float

    @property
    def evidence(self) -> float:
        """The logarithm of how likely the scores are, up to what all exponents share."""
        return float(np.linalg.slogdet(self.covariance)[1] / 2 - self.shape * np.log(self.rate))

    def draw(self, random: np.random.Generator, count: int, more: float) -> tuple[np.ndarray, ...]:
        """The curve at the end of the run and at `more` times its length, and the noise about it."""
        noise = np.sqrt(self.rate / random.gamma(self.shape, 1.0, count))
        a, b = self.mean[:, None] + noise * (
            np.linalg.cholesky(self.covariance) @ random.standard_normal((2, count))
        )
        now, then = (
            a + b * (_shape(np.array(t), self.exponent) - self.centre) / self.spread for t in (1.0, more)
        )
        return now, then, noise


def _fit(t_E: np.ndarray, y_E: np.ndarray, exponent: float) -> _Fit:
    g_E = _shape(t_E, exponent)
    centre, spread = float(g_E.mean()), float(g_E.std()) or 1.0
    x_E2 = np.stack([np.ones_like(t_E), (g_E - centre) / spread], axis=1)
    count = min(len(y_E), COUNT)
    each = count / len(y_E)
    precision = each * x_E2.T @ x_E2 + np.eye(2) / WIDE**2
    mean = np.linalg.solve(precision, each * x_E2.T @ y_E)
    rate = NOISE**2 + (each * y_E @ y_E - mean @ precision @ mean) / 2
    return _Fit(exponent, centre, spread, mean, np.linalg.inv(precision), 1 + count / 2, float(rate))


def _shape(t: np.ndarray, exponent: float) -> np.ndarray:
    return np.asarray(np.log(t) if exponent == 0 else (1 - t**-exponent) / exponent)


def ahead(history: Sequence[Entry]) -> dict[str, Ahead]:
    """What twice the run would bring each head that has begun to learn; nothing where the evaluations are too
    few to tell."""
    found = {}
    for head in begun(history) if len(history) >= FEWEST else ():
        curve = of_head(history, head, MORE)
        low, high = np.quantile(curve.score_D, INTERVAL)
        found[head] = Ahead(
            improving=curve.improves,
            now=float(np.median(curve.now_D)),
            twice=float(np.median(curve.then_D)),
            interval=[float(low), float(high)],
        )
    return found


def begun(history: Sequence[Entry]) -> list[str]:
    """The heads that have risen."""
    scores = {head: [entry["validation"][head] for entry in history] for head in history[-1]["validation"]}
    return [head for head, values in scores.items() if has_begun(values)]


def of_head(history: Sequence[Entry], head: str, more: float) -> Forecast:
    """The forecast from a head's scores in the history."""
    return forecast([entry["step"] for entry in history], [e["validation"][head] for e in history], more)


def sentence(found: Mapping[str, Ahead], heads: Iterable[str], evaluations: int) -> str:
    """The same for a person."""
    if evaluations < FEWEST:
        told = (
            "1 scheduled evaluation does" if evaluations == 1 else f"{evaluations} scheduled evaluations do"
        )
        return (
            f"{told} not tell which tasks were still improving; {FEWEST} may: lower training.evaluate_every"
        )
    groups = {"Still improving": True, "May be improving": None, "No longer improving": False}
    parts = {
        what: [_of_head(head, own) for head, own in found.items() if own.improving is state]
        for what, state in groups.items()
    }
    parts["Not risen since the first evaluation"] = [head for head in heads if head not in found]
    said = "; ".join(f"{what}: {', '.join(some)}" for what, some in parts.items() if some)
    return f"{said} (what twice the budget would bring, by the learning curve)" if found else said


def _of_head(head: str, own: Ahead) -> str:
    low, high = own.interval
    return f"{head} {own.now:.3f} to {own.twice:.3f} [{low:.3f}, {high:.3f}]"
