"""Is a window's share of negative articles larger than its topic's history explains?

Windows differ in their true share by more than chance: news comes in stories. So window w of a topic has
a share of its own, drawn from a Beta distribution, and its negatives are beta-binomial:

    pi_w ~ Beta(m s, (1 - m) s),    x_w | n_w, pi_w ~ Binomial(n_w, pi_w)

m is the topic's mean share; 1 / (s + 1) is the correlation of two articles of one window. Neither is
known: both are integrated over given the history, so that a short history makes a wide prediction and
not a false alarm. The prior of m is Jeffreys'; that of s is the uniform shrinkage prior, s / (s + n)
uniform on (0, 1) where n is a typical window's number of articles (Daniels 1999, "A prior for the
variance in hierarchical models"). A window's p-value is its predictive tail P(X >= x | n, history).

Legend: W windows of the history, G points of the grid over (m, s).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, expit, gammaln, logsumexp

from components.monitoring.detectors.base import Counts, Seen, Tail, Topic
from components.monitoring.records import Finding

POINTS = (48, 24)  # of the grid, along m and along s
ROUNDS = 4  # of narrowing the grid to where the posterior is
NEGLIGIBLE = 1e-9  # posterior weight of a point
MEAN = (0.0, np.pi / 2)  # arcsin(sqrt(m)): Jeffreys' prior is uniform in it
SHRINKAGE = (-7.0, 7.0)  # logit of s / (s + n): from windows that share nothing to windows that are alike
Ends = tuple[float, float]


@dataclass(frozen=True)
class Posterior:
    """Beta distributions of a window's true share, and how probable each is."""

    alpha_G: np.ndarray
    beta_G: np.ndarray
    weight_G: np.ndarray

    @property
    def share(self) -> float:
        """The expected share of negatives."""
        return float(self.weight_G @ (self.alpha_G / (self.alpha_G + self.beta_G)))

    def tail(self, negatives: int, articles: int) -> float:
        """P(X >= negatives) in a window of so many articles; the side with fewer terms is summed."""
        below = negatives <= articles / 2
        counts = range(negatives) if below else range(negatives, articles + 1)
        total = sum(self.weight_G @ _probability(x, articles, self.alpha_G, self.beta_G) for x in counts)
        return float(np.clip(1 - total if below else total, 0, 1))


def posterior(history: Sequence[Counts]) -> Posterior:
    """The distribution of a further window's true share, given the counts of those before it."""
    negatives_W, articles_W = np.array(history, dtype=np.float64).T
    means, shrinkages = MEAN, SHRINKAGE
    for _ in range(ROUNDS):
        mean, shrinkage = _middles(means, POINTS[0]), _middles(shrinkages, POINTS[1])
        mean_G, shrinkage_G = (grid.ravel() for grid in np.meshgrid(mean, shrinkage, indexing="ij"))
        s_G = np.median(articles_W) * np.exp(shrinkage_G)
        alpha_G, beta_G = np.sin(mean_G) ** 2 * s_G, np.cos(mean_G) ** 2 * s_G
        log_WG = _log_likelihood(negatives_W[:, None], articles_W[:, None], alpha_G, beta_G)
        log_G = log_WG.sum(0) + np.log(expit(shrinkage_G) * expit(-shrinkage_G))  # uniform, seen in the logit
        weight_G = np.exp(log_G - logsumexp(log_G))
        grid = weight_G.reshape(POINTS)
        means, shrinkages = _narrowed(means, grid.sum(1)), _narrowed(shrinkages, grid.sum(0))
    kept = weight_G > NEGLIGIBLE
    return Posterior(alpha_G[kept], beta_G[kept], weight_G[kept] / weight_G[kept].sum())


def _middles(ends: Ends, points: int) -> np.ndarray:
    """The middles of so many equal parts."""
    return ends[0] + (ends[1] - ends[0]) * (np.arange(points) + 0.5) / points


def _narrowed(ends: Ends, weights: np.ndarray) -> Ends:
    """The part of the range that holds the weight, and a point more on either side."""
    held = np.flatnonzero(weights > NEGLIGIBLE)
    first, last = max(held[0] - 1, 0), min(held[-1] + 2, len(weights))
    step = (ends[1] - ends[0]) / len(weights)
    return ends[0] + step * first, ends[0] + step * last


def _log_likelihood(
    x: np.ndarray | int, n: np.ndarray | int, alpha: np.ndarray, beta: np.ndarray
) -> np.ndarray:
    """Of x negatives among n in one order, beta-binomial."""
    return np.asarray(betaln(x + alpha, n - x + beta) - betaln(alpha, beta))


def _probability(x: int, n: int, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Of x negatives among n in any order."""
    orders = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    probability: np.ndarray = np.exp(orders + _log_likelihood(x, n, alpha, beta))
    return probability


def _tests(seen: Seen) -> Iterator[Tail]:
    for name, topic in seen.topics.items():
        known = finding(topic)
        yield Tail(subject=name, words=_said(name, known), p=known.p, facts=known)


def _said(name: str, known: Finding) -> str:
    expected = "" if known.expected is None else f", {known.expected:.1f} were expected"
    return f"{name}: {known.negatives:,} of {known.articles:,} articles are negative{expected}"


def finding(topic: Topic) -> Finding:
    """What a topic's window is; without a verdict where its history is too short."""
    negatives, articles = topic.now
    found = Finding(negatives=negatives, articles=articles, windows=len(topic.before))
    if len(topic.before) < topic.least:
        return found
    belief = posterior(topic.before)
    tail = belief.tail(negatives, articles)
    return found.model_copy(update={"expected": belief.share * articles, "p": tail})


DETECTOR = _tests
