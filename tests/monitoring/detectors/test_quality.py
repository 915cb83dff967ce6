"""The bet on feedback: how rarely it is wrong, and how soon right. Synthetic answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from components.monitoring import alarm
from components.monitoring.detectors import quality
from components.monitoring.detectors.base import Graded, Seen

DAY = date(2026, 11, 1)
WINDOWS = 20  # between two false alarms


def answers(
    rng: np.random.Generator, day: int, loss: float, count: int = 20, task: str = "mood"
) -> list[Graded]:
    expected = rng.uniform(0.4, 1.0, count)
    right = rng.uniform(size=count) < expected - loss
    when = DAY + timedelta(days=day)
    return [Graded(task, when, bool(one), float(p)) for one, p in zip(right, expected, strict=True)]


def first_alarm(seed: int, losses: Sequence[float], slack: float = 0.0) -> int:
    """The number of the first window whose evidence is enough; one past the last where there is none."""
    rng = np.random.default_rng(seed)
    windows = [answers(rng, day, loss) for day, loss in enumerate(losses)]
    for last in range(1, len(windows) + 1):
        if quality.evidence(windows[:last], slack) >= WINDOWS:
            return last
    return len(windows) + 1


def shown_worse(windows: Sequence[Sequence[Graded]], between: int = WINDOWS) -> list[str]:
    """The tasks that an alarm is about."""
    return [one.test.subject for one in alarm.judge(Seen(answers=windows), between).shifts]


@pytest.mark.slow
def test_false_alarms_are_no_nearer_than_they_may_be() -> None:
    """The mean of 40 waits, each of 40 windows at most, of answers that are right exactly as expected."""
    assert np.mean([first_alarm(seed, [0.0] * 40) for seed in range(40)]) >= WINDOWS


def test_a_loss_is_found_within_days_also_after_a_good_time() -> None:
    waits = [first_alarm(seed, [0.0] * 10 + [0.3] * 10) for seed in range(10)]
    assert max(waits) <= 17
    assert min(waits) > 1


def test_a_loss_within_the_slack_is_none() -> None:
    assert first_alarm(0, [0.05] * 30, slack=0.1) == 31


def test_answers_that_were_chosen_because_the_model_was_unsure_are_no_loss() -> None:
    """Half of them are wrong, as half of such answers are."""
    rng = np.random.default_rng(3)
    windows = [
        [Graded("mood", DAY, bool(rng.uniform() < 0.5), 0.5) for _ in range(20)] for _ in range(20)
    ]  # fmt: skip
    assert shown_worse(windows) == []


def test_complaints_alone_are_no_evidence_that_answers_got_worse() -> None:
    """Who corrects what is wrong does not say how often that is."""
    window = [Graded("mood", DAY, number % 10 == 0, 0.9) for number in range(100)]
    assert quality.evidence([window], 0.0) > WINDOWS
    assert shown_worse([window]) == []
    half = [Graded("mood", DAY, number % 2 == 0, 0.9) for number in range(100)]
    assert shown_worse([half]) == ["mood"]


@pytest.mark.slow
def test_the_confidence_sequence_holds_the_loss_at_every_look() -> None:
    misses = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        window = answers(rng, 0, loss=0.2, count=160)
        true = float(np.mean([one.expected for one in window])) - 0.2  # where nothing falls below 0
        assert true > 0
        looks = [quality.judge([window[:seen]], {})["mood"].less for seen in (5, 20, 80, 160)]
        misses += any(not low <= 0.2 <= high for low, high in looks)
    assert misses <= 3


def test_what_is_printed_knows_by_how_much_the_test_rows_may_err() -> None:
    window = answers(np.random.default_rng(5), 0, loss=0.0, count=100)
    mean = float(np.mean([one.expected - one.right for one in window]))
    low, high = quality.judge([window], {})["mood"].less
    lower, higher = quality.judge([window], {}, {"mood": 0.1})["mood"].less
    assert mean - lower == pytest.approx(np.hypot(mean - low, 0.196), abs=1e-4)
    assert higher - mean == pytest.approx(np.hypot(high - mean, 0.196), abs=1e-4)
    assert low < mean < high


def test_of_so_many_answers_that_each_step_is_refuted_the_difference_is_between_two_steps() -> None:
    assert quality._confidence_sequence(np.full(5000, 0.005)) == pytest.approx([0.0, 0.01])
    assert quality._confidence_sequence(np.array([0.2])) == [-1.0, 1.0]


def test_windows_without_an_answer_are_no_evidence() -> None:
    rng = np.random.default_rng(1)
    some = answers(rng, 0, loss=0.0)
    assert quality.judge([some, [], [], []], {}) == quality.judge([some], {})
    assert quality.judge([], {}) == {}


def test_the_knob_holds_over_all_tasks_together() -> None:
    """One of four tasks is worse: the evidence of all is their mean."""
    rng = np.random.default_rng(2)
    windows = [
        [one for task in "abcd" for one in answers(rng, day, 0.4 if task == "b" else 0.0, task=task)]
        for day in range(6)
    ]
    assert shown_worse(windows) == ["b"]
    evidence = [one.evidence for one in quality.judge(windows, {}).values()]
    assert shown_worse(windows, int(sum(evidence) / 4) + 1) == []
