"""What is an alarm: how often that is wrong, what is found, and how detectors share. Synthetic."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.stats import chi2_contingency, ks_2samp

from components.monitoring import alarm, detectors
from components.monitoring.alarm import Found, Verdict
from components.monitoring.detectors.base import Graded, Seen, Texts, Topic, chi_square, largest_step

EARLIER, LATER = 150, 80
SURGING = Topic((20, 20), [(2, 20)] * 20, 10)
LOST = [[Graded("mood", date(2026, 11, 2), right=number % 3 == 0, expected=0.9) for number in range(60)]]


def judge(texts: Texts, later_N: np.ndarray, windows: int, seed: int) -> Verdict:
    return alarm.judge(Seen(texts, later_N), windows, seed)


def words(found: Found) -> str:
    return found.test.words


def texts(rng: np.random.Generator, size: int = EARLIER + LATER) -> Texts:
    """Tasks that depend on each other, as those of one text do."""
    kind = rng.normal(size=size)
    sure = rng.uniform(0.3, 1.0, size) ** (1 + (kind > 0))
    asked = rng.uniform(size=size) < 0.7  # not every text is asked of every task
    return Texts(
        numbers={"characters": np.exp(4 + kind), "mood.probability": np.where(asked, sure, np.nan)},
        words={"script": np.full(size, "latin"), "mood.label": np.where(asked, np.where(kind > 0.5, "up", "down"), "")},
        sketches_ND=np.rint(40 * (rng.normal(size=(size, 16)) + kind[:, None])).astype(np.int8),
    )  # fmt: skip


def later(size: int = EARLIER + LATER) -> np.ndarray:
    return np.arange(size) >= EARLIER


@pytest.mark.slow
def test_false_alarms_over_all_tests_together_come_as_often_as_they_may() -> None:
    """One window in ten: within three deviations of that in 300, and no rarer than half of it."""
    alarms = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        alarms += judge(texts(rng), later(), 10, seed).alarm
    assert 15 <= alarms <= 30 + 3 * np.sqrt(300 * 0.1 * 0.9)


def moved(what: str, rng: np.random.Generator) -> Texts:
    found, now = texts(rng), later()
    numbers, words = dict(found.numbers), dict(found.words)
    sketches = found.sketches_ND.copy()
    if what == "wording":
        sketches[now] = np.roll(sketches[now] + np.int8(30), 1, axis=1)
    elif what in numbers:
        numbers[what] = np.where(now, numbers[what] * 0.5, numbers[what])
    else:
        words[what] = np.where(now & (rng.uniform(size=len(now)) < 0.5), "other", words[what])
    return Texts(numbers, words, sketches)


@pytest.mark.parametrize("what", ["characters", "mood.probability", "script", "mood.label", "wording"])
def test_what_has_moved_is_named_in_words_with_texts_that_show_it(what: str) -> None:
    verdict = judge(moved(what, np.random.default_rng(7)), later(), 100, 0)
    assert verdict.alarm
    first = verdict.shifts[0]
    assert (first.test.subject, words(first).split(":")[0]) == (what, what)
    assert len(first.typical) == 5
    assert min(first.typical) >= EARLIER


def test_one_clear_shift_is_found_among_fifty_tests() -> None:
    """Some draw of the fifty has the smallest p-value there is in most windows."""
    rng, size = np.random.default_rng(1), 60
    numbers = {f"n{column}": rng.normal(size=size) for column in range(50)}
    numbers["n7"] += 50.0 * (np.arange(size) >= 40)
    verdict = judge(Texts(numbers, {}, np.zeros((size, 0))), np.arange(size) >= 40, 180, 0)
    assert verdict.alarm
    assert verdict.shifts[0].test.subject == "n7"


def test_a_label_that_comes_more_often_is_said_with_both_shares() -> None:
    (shift, *_) = judge(moved("script", np.random.default_rng(7)), later(), 100, 0).shifts
    assert words(shift).startswith("script: ")
    assert "latin 100% → " in words(shift)
    assert "other 0% → " in words(shift)


def test_a_number_whose_median_stays_is_said_with_its_mean() -> None:
    rng = np.random.default_rng(0)
    entities = np.where(later() & (rng.uniform(size=len(later())) < 0.4), 9.0, 1.0)
    (shift, *_) = judge(
        Texts({"entities": entities}, {}, np.zeros((len(entities), 0))), later(), 100, 0
    ).shifts
    assert words(shift).startswith("entities: the mean was 1 and is ")


def test_statistics_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 9, 90).astype(float)
    values[:5] = np.nan
    splits = np.stack([rng.permutation(np.arange(90) >= 60) for _ in range(4)]).astype(np.float32)
    for split, found in zip(splits.astype(bool), largest_step(values, splits), strict=True):
        one, other = values[split & ~np.isnan(values)], values[~split & ~np.isnan(values)]
        assert found == pytest.approx(ks_2samp(one, other).statistic, abs=1e-6)
    words = rng.choice(["a", "b", "c", ""], 90)
    for split, found in zip(splits.astype(bool), chi_square(words, splits), strict=True):
        table = [[np.sum((words == word) & (split == side)) for word in "abc"] for side in (True, False)]
        assert found == pytest.approx(chi2_contingency(table, correction=False).statistic, rel=1e-4)


def test_two_numbers_beyond_all_are_equal() -> None:
    """Else the order in which texts are read would be a difference."""
    values = np.array([np.inf, 0.5, -np.inf, np.nan] * 50)
    halves = np.repeat([[False, True]], 100, axis=1).astype(np.float32)
    assert largest_step(values, halves).tolist() == [0.0]


def test_nothing_to_look_at_is_no_alarm() -> None:
    """One script only, no sketches, and a task that was never asked."""
    size = EARLIER + LATER
    empty = Texts({"n": np.full(size, np.nan)}, {"script": np.full(size, "latin")}, np.zeros((size, 0)))
    assert (judge(empty, later(), 20, 0).p, judge(empty, later(), 20, 0).alarm) == (1.0, False)


def test_every_detector_is_found_by_its_file() -> None:
    assert set(detectors.every()) == {"labels", "numbers", "quality", "surge", "wording"}


def moved_at(windows: int, seen: Seen, beside: int = 0) -> set[str]:
    return {one.test.subject for one in alarm.judge(seen, windows, 0, beside).shifts}


def test_kinds_of_evidence_that_have_something_to_look_at_share_the_false_alarms() -> None:
    """Each alone is an alarm up to its own number of windows; beside others, up to that over their number."""
    texts_of = moved("script", np.random.default_rng(7))
    bet = int(alarm.judge(Seen(answers=LOST), 1).found[0].test.evidence)  # type: ignore[attr-defined]
    assert moved_at(bet, Seen(answers=LOST)) == {"mood"}
    assert moved_at(bet + 1, Seen(answers=LOST)) == set()
    assert moved_at(bet // 2, Seen(answers=LOST, topics={"oil": SURGING})) == {"mood", "oil"}
    assert moved_at(bet // 2 + 1, Seen(answers=LOST, topics={"oil": SURGING})) == {"oil"}
    three = Seen(texts_of, later(), LOST, topics={"oil": SURGING})
    assert bet > 30
    assert moved_at(10, three) >= {"mood", "oil", "script"}
    assert moved_at(bet, Seen(answers=LOST), beside=1) == set()
