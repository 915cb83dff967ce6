"""A surge is what the history hardly explains: the arithmetic, and how often it is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import betabinom

from components.monitoring import alarm, judging
from components.monitoring.detectors import surge
from components.monitoring.detectors.base import Counts, Seen, Topic
from components.monitoring.detectors.surge import Posterior, posterior
from components.monitoring.records import Finding


def judge(
    now: Mapping[str, Counts], history: Mapping[str, Sequence[Counts]], least: int, alpha: float
) -> dict[str, Finding]:
    """What the record of a window keeps, of surges alone."""
    topics = {topic: Topic(counts, history.get(topic, ()), least) for topic, counts in now.items()}
    return judging.findings(alarm.judge(Seen(topics=topics), 1 / alpha))


def known(mean: float, s: float) -> Posterior:
    """A topic of which everything is known."""
    return Posterior(np.array([mean * s]), np.array([(1 - mean) * s]), np.ones(1))


def simulated(
    rng: np.random.Generator, windows: int, articles: int, mean: float, s: float
) -> list[tuple[int, int]]:
    """Synthetic counts of windows whose shares differ."""
    sizes = rng.integers(articles // 2, 2 * articles, windows)
    return [(int(rng.binomial(n, rng.beta(mean * s, (1 - mean) * s))), int(n)) for n in sizes]


@pytest.mark.parametrize(
    ("negatives", "articles"), [(0, 7), (1, 1), (3, 20), (11, 20), (20, 20), (40, 300), (280, 300)]
)
def test_the_tail_is_scipys_where_everything_is_known(negatives: int, articles: int) -> None:
    expected = betabinom.pmf(np.arange(negatives, articles + 1), articles, 0.2 * 9, 0.8 * 9).sum()
    assert known(0.2, 9).tail(negatives, articles) == pytest.approx(expected, rel=1e-7, abs=1e-13)


def test_the_tail_of_what_is_not_known_is_the_mean_of_the_tails() -> None:
    both = Posterior(np.array([1.8, 3.0]), np.array([7.2, 3.0]), np.array([0.25, 0.75]))
    expected = 0.25 * known(0.2, 9).tail(4, 10) + 0.75 * known(0.5, 6).tail(4, 10)
    assert both.tail(4, 10) == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "history",
    [
        [(1, 8), (0, 5), (3, 12), (2, 9), (1, 10)],
        [(0, 6)] * 8,
        [(7, 8), (5, 5), (11, 12), (9, 9), (8, 10)],
        [(9, 30), (0, 25), (22, 28), (3, 31), (1, 40)],
    ],
)
def test_the_posterior_is_that_of_the_two_priors(history: list[tuple[int, int]]) -> None:
    """Against draws from the priors as the page states them, each weighed by scipy's likelihood."""
    rng = np.random.default_rng(1)
    mean, shrinkage = rng.beta(0.5, 0.5, 50_000), rng.uniform(0, 1, 50_000)
    s = np.median([n for _, n in history]) * shrinkage / (1 - shrinkage)
    alpha, beta = np.maximum(mean * s, 1e-9), np.maximum((1 - mean) * s, 1e-9)
    weight = np.exp(sum(betabinom.logpmf(x, n, alpha, beta) for x, n in history))
    weight /= weight.sum()
    found = posterior(history)
    assert found.share == pytest.approx(float(weight @ mean), rel=0.03)
    for negatives in (2, 5, 9):
        tail = sum(betabinom.pmf(x, 12, alpha, beta) for x in range(negatives, 13))
        assert found.tail(negatives, 12) == pytest.approx(float(weight @ tail), rel=0.06, abs=1e-4)


def test_one_article_moves_jeffreys_prior_as_by_hand() -> None:
    """Beta(1/2, 1/2) and one negative article make Beta(3/2, 1/2), whatever s is: its mean is 3/4."""
    assert posterior([(1, 1)]).share == pytest.approx(0.75, abs=2e-3)
    assert posterior([(0, 1)]).share == pytest.approx(0.25, abs=2e-3)


@pytest.mark.slow
def test_after_a_long_history_the_tail_is_that_of_the_likeliest_parameters() -> None:
    history = simulated(np.random.default_rng(3), 400, 200, 0.2, 30)
    x, n = np.array(history).T

    def misfit(logs: np.ndarray) -> float:
        return -float(betabinom.logpmf(x, n, *np.exp(logs)).sum())

    alpha, beta = np.exp(minimize(misfit, np.log([6, 24]), method="Nelder-Mead").x)
    for negatives in (55, 75, 90):
        expected = betabinom.sf(negatives - 1, 200, alpha, beta)
        assert posterior(history).tail(negatives, 200) == pytest.approx(expected, rel=0.12)


@pytest.mark.slow
@pytest.mark.parametrize(("articles", "mean", "s"), [(20, 0.2, 8), (8, 0.1, 1000)])
def test_without_a_surge_no_more_than_alpha_of_the_windows_are_alarms(
    articles: int, mean: float, s: float
) -> None:
    """After ten windows, whether they differ much or not at all, within the error of the simulation."""
    rng, trials, alpha, alarms = np.random.default_rng(7), 200, 0.1, 0
    for _ in range(trials):
        *history, (negatives, now) = simulated(rng, 11, articles, mean, s)
        alarms += posterior(history).tail(negatives, now) <= alpha
    assert alarms / trials <= alpha + 2.5 * np.sqrt(alpha * (1 - alpha) / trials)


def test_a_threshold_on_the_share_would_raise_them() -> None:
    """What the test of the window's binomial share alone, as if windows did not differ, makes of the same."""
    from scipy.stats import binom

    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(250):
        *history, (negatives, now) = simulated(rng, 11, 20, 0.2, 8)
        share = sum(x for x, _ in history) / sum(n for _, n in history)
        alarms += binom.sf(negatives - 1, now, share) <= 0.1
    assert alarms / 250 > 0.15


@pytest.mark.slow
def test_a_surge_is_found() -> None:
    """The share of one topic of four goes from 0.1 to 0.6."""
    rng, found, others = np.random.default_rng(11), 0, 0
    for _ in range(20):
        history = {topic: simulated(rng, 15, 20, 0.1, 60) for topic in ("oil", "gold", "grain", "trade")}
        now = {topic: (int(rng.binomial(24, 0.6 if topic == "oil" else 0.1)), 24) for topic in history}
        verdicts = judge(now, history, 10, 0.01)
        found += verdicts.pop("oil").surge
        others += sum(verdict.surge for verdict in verdicts.values())
    assert found >= 18
    assert others <= 1


def test_few_articles_are_no_surge_however_negative() -> None:
    assert posterior([(1, 8)] * 10).tail(1, 1) == pytest.approx(0.125, abs=0.04)


def test_a_topic_is_compared_with_its_own_history() -> None:
    now = {"calm": (12, 20), "grim": (12, 20)}
    found = judge(now, {"calm": [(2, 20)] * 20, "grim": [(12, 20)] * 20}, 10, 0.01)
    assert found["calm"].surge
    assert not found["grim"].surge
    assert found["grim"].expected == pytest.approx(12, abs=0.3)
    assert found["calm"].expected == pytest.approx(2, abs=0.3)


def test_too_little_history_is_no_verdict() -> None:
    history = {"short": [(0, 20)] * 9, "enough": [(0, 20)] * 10}
    found = judge({"new": (20, 20), "short": (20, 20), "enough": (20, 20)}, history, 10, 0.5)
    assert found["enough"].surge
    assert found["new"] == Finding(negatives=20, articles=20, windows=0)
    assert found["short"] == Finding(negatives=20, articles=20, windows=9)


def test_the_more_topics_there_are_the_less_one_of_them_says() -> None:
    """Benjamini-Hochberg: the i-th smallest of m p-values is held to i alpha / m."""
    history = [(2, 20)] * 20
    alone = judge({"a": (7, 20)}, {"a": history}, 10, 0.01)["a"]
    assert alone.q == alone.p
    among = judge(
        {"a": (7, 20), "b": (2, 20), "c": (1, 20), "d": (3, 20)}, dict.fromkeys("abcd", history), 10, 0.01
    )
    assert alone.p is not None
    assert among["a"].q == pytest.approx(4 * alone.p)
    assert (among["a"].p, among["c"].q) == (alone.p, pytest.approx(among["c"].p))
    held = {topic: (7 if topic == "a" else 2, 20) for topic in "abcd"}
    assert judge({"a": (7, 20)}, {"a": history}, 10, 2 * alone.p)["a"].surge
    assert not judge(held, dict.fromkeys("abcd", history), 10, 2 * alone.p)["a"].surge


def test_the_grid_finds_a_narrow_posterior() -> None:
    """A hundred thousand articles: the first grid's points are further apart than the posterior is wide."""
    found = posterior([(170, 1000), (173, 1000)] * 50)
    assert found.share == pytest.approx(0.1715, abs=5e-4)
    assert len(found.weight_G) > 50
    assert surge.POINTS[0] * surge.POINTS[1] >= len(found.weight_G)
