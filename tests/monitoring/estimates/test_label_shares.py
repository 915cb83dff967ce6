"""True shares of labels, from a confusion matrix and what is said. Synthetic counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from components.evaluation.picture_records import Confusion
from components.monitoring.estimates.label_shares import true_shares

LABELS = ("bad", "fair", "good")
SAID_GIVEN_TRUE = np.array([[0.8, 0.1, 0.2], [0.1, 0.7, 0.1], [0.1, 0.2, 0.7]])


def said_of(rng: np.random.Generator, golds: Sequence[int]) -> list[int]:
    return [int(rng.choice(3, p=SAID_GIVEN_TRUE[:, gold])) for gold in golds]


def confusions(rng: np.random.Generator, rows: int) -> list[Confusion]:
    golds = rng.choice(3, rows, p=[0.5, 0.3, 0.2]).tolist()
    pairs = Counter(zip(golds, said_of(rng, golds), strict=True))
    return [Confusion(gold=LABELS[gold], said=LABELS[said], count=n) for (gold, said), n in pairs.items()]


@pytest.mark.slow
@pytest.mark.parametrize("truth", [(0.2, 0.2, 0.6), (0.02, 0.08, 0.9)])
def test_intervals_hold_the_true_shares_as_often_as_they_say(truth: tuple[float, ...]) -> None:
    """95 %, of 400 test rows and 200 answers: less three deviations of 60."""
    held = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        golds = rng.choice(3, 200, p=truth).tolist()
        found = true_shares(confusions(rng, 400), Counter(LABELS[one] for one in said_of(rng, golds)))
        for label, share in zip(LABELS, truth, strict=True):
            low, high = found[label].interval or [1, 0]
            held.append(low <= share <= high)
    assert np.mean(held) > 0.86


def test_what_is_said_too_often_is_put_right() -> None:
    """A model that says `bad` of a fifth of what is good: of all good texts, it says 20 % bad."""
    exact = [
        Confusion(gold=gold, said=said, count=round(1000 * SAID_GIVEN_TRUE[row, column]))
        for column, gold in enumerate(LABELS) for row, said in enumerate(LABELS)
    ]  # fmt: skip
    found = true_shares(exact, {"bad": 200, "fair": 100, "good": 700})
    assert next(iter(found)) == "good"
    assert found["good"].value == pytest.approx(1.0, abs=1e-6)
    assert sum(share.value for share in found.values()) == pytest.approx(1.0)


def test_one_label_nothing_said_or_labels_that_no_test_row_has_is_no_estimate() -> None:
    one = [Confusion(gold="bad", said="bad", count=9)]
    two = [*one, Confusion(gold="good", said="good", count=9)]
    assert true_shares(one, {"bad": 3}) == true_shares(two, {}) == true_shares(two, {"new": 3}) == {}


@pytest.mark.slow
def test_an_end_is_as_near_as_a_thousand_draws_bring_it() -> None:
    """Of a model that is never wrong the ends are a beta distribution's; their error in units of its deviation."""
    from scipy.stats import beta

    surely = [Confusion(gold=label, said=label, count=10**9) for label in ("bad", "good")]
    apart = []
    for bad in (30, 40, 50, 60, 70, 80):
        known = beta(bad + 0.5, 200 - bad + 0.5)
        ends = true_shares(surely, {"bad": bad, "good": 200 - bad})["bad"].interval or []
        apart += [
            (end - known.ppf(level)) / known.std() for end, level in zip(ends, (0.025, 0.975), strict=True)
        ]
    assert np.sqrt(np.mean(np.square(apart))) < 0.12  # 0.08 is to be expected, and 0.19 of 200 draws
    assert np.std(apart[::2]) > 0.05  # each window has draws of its own: not all err alike
