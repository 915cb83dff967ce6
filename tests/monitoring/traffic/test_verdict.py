"""What is said of a window of a release that is known: shares, right answers, feedback. Synthetic."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from components.evaluation.picture_records import Confusion, ReliabilityBin
from components.evaluation.records import HeadEvidence
from components.monitoring.detectors import quality
from components.monitoring.traffic import comparing, judging, verdict
from components.monitoring.traffic.feedback import Feedback, Heard, by_window, error_of, graded, slack
from components.monitoring.traffic.records import Moved
from components.monitoring.traffic.rows import RowMaker
from components.monitoring.traffic.store import Writer
from components.monitoring.traffic.words import in_words
from components.settings.traffic import Traffic
from tests.serving import tiny

FIRST = datetime(2026, 11, 2, 12, tzinfo=UTC)
LABELS = ["bad", "good"]
KNOWN = {
    "mood": HeadEvidence(
        task="mood", family="classification", rows={"test": 200}, metrics={}, classes=[], share=1.0,
        confusions=[Confusion(gold=gold, said=said, count=90 if gold == said else 10) for gold in LABELS for said in LABELS],
        reliability=[
            ReliabilityBin(probability=0.6, right=0.7, answers=100),
            ReliabilityBin(probability=0.95, right=0.98, answers=100),
        ],
    )
}  # fmt: skip
TRAFFIC = Traffic(reference_rows=80, min_rows=40, days_between_false_alarms=10)


def record(folder: Path, tokenizer: Path, days: list[float]) -> None:
    """Eighty answers a day, of which this share is `good`; the model is less sure of the later days."""
    rng = np.random.default_rng(0)
    maker = RowMaker(tokenizer, {"mood": LABELS}, "v1.0.0", Traffic())
    for number, good in enumerate(days):
        writer = Writer(Traffic(folder=str(folder)), str(number))
        for _ in range(80):
            label = "good" if rng.uniform() < good else "bad"
            sure = 0.95 - 0.35 * (number == len(days) - 1)
            row = maker.row(float(rng.uniform()), ["a text"], {"mood": {"label": label, "probability": sure}})
            writer.add([{**row, "time": FIRST + timedelta(days=number)}])
        writer.flush()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tiny.write_model(tmp_path / "model")
    record(tmp_path / TRAFFIC.folder, tmp_path / "model/tokenizer.json", [0.8, 0.8, 0.3])
    monkeypatch.setattr(judging, "measured", lambda root, release: KNOWN if release == "v1.0.0" else {})
    return tmp_path


def test_an_alarm_says_what_moved_which_texts_show_it_and_what_is_estimated(project: Path) -> None:
    before, after = judging.judge_windows(project, TRAFFIC, date(2026, 11, 6))
    assert (before.alarm, after.alarm) == (False, True)
    assert after.shares["mood"]["bad"].value == pytest.approx(0.75, abs=0.15)
    assert after.right["mood"].value == pytest.approx(0.7)
    assert after.right_before["mood"] == pytest.approx(0.84)
    said = in_words(after).splitlines()
    assert said[0].startswith("2026-11-04, release v1.0.0, 80 texts: SHIFTED (p = ")
    label = next(line for line in said if "mood.label: " in line)
    assert after.moved[0].typical[0] in said[1]
    assert "; typical: " in label
    assert any(line.startswith("  mood, if only the frequency of labels has changed: bad ") for line in said)
    assert said[-1] == (
        "  mood: about 70% of the answers are right, by how sure they are; of the test rows 84% (an estimate, "
        "and no reason for an alarm)"
    )


def test_of_confusions_that_were_cut_no_share_is_estimated(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "MOST_CONFUSIONS", 4)  # as many as there are
    assert judging.judge_windows(project, TRAFFIC, date(2026, 11, 6))[0].shares == {}


def heard(wrong: float, day: date, count: int = 60) -> list[Heard]:
    rng = np.random.default_rng(1)
    return [Heard("mood", day, bool(rng.uniform() >= wrong), 0.95) for _ in range(count)]


def test_feedback_that_answers_are_wrong_is_an_alarm_by_itself(project: Path) -> None:
    told = heard(0.5, date(2026, 11, 3))
    feedback = Feedback(lambda release: told if release == "v1.0.0" else [], {"mood": 0.02})
    first, _ = judging.judge_windows(project, TRAFFIC, date(2026, 11, 6), feedback)
    assert (first.alarm, [one.subject for one in first.moved], first.worse) == (True, ["mood"], ["mood"])
    assert "60 answers that were judged" in in_words(first)
    assert ": WORSE (p = " in in_words(first)


def test_a_shift_is_said_of_texts_where_a_task_of_that_name_is_worse(project: Path) -> None:
    """A task may be called `language`, and texts be in another language while its answers are worse."""
    (window, *_) = judging.judge_windows(project, TRAFFIC, date(2026, 11, 6))
    both = [Moved(subject="language", p=p, words="", typical=[]) for p in (0.001, None)]
    said = in_words(window.model_copy(update={"moved": both, "worse": ["language"]}))
    assert ": SHIFTED and WORSE (p = " in said
    assert ": WORSE (p = " in in_words(window.model_copy(update={"moved": both[1:], "worse": ["language"]}))


def test_a_window_of_before_says_what_feedback_has_said_of_it(project: Path) -> None:
    """In 0.10.0 it was in its numbers alone."""
    feedback = Feedback(lambda release: heard(0.5, date(2026, 11, 3)), {"mood": 0.02})
    window, *_ = judging.judge_windows(project, TRAFFIC, date(2026, 11, 6), feedback)
    before = window.model_copy(update={"moved": window.shifted})
    assert len(before.moved) < len(window.moved)
    assert in_words(before) == in_words(window)


def test_feedback_and_the_shift_have_half_of_the_false_alarms_each(project: Path) -> None:
    due = next(comparing.windows(TRAFFIC, project, date(2026, 11, 6)))
    watch = verdict.Watch(due, KNOWN, [heard(0.5, due.last, count=18)], {})
    evidence = int(watch.judged(10).quality["mood"].evidence)
    assert 20 < evidence < 1000
    assert watch.judged(evidence).worse == []
    assert watch.judged(evidence // 2).worse == ["mood"]


def test_feedback_of_as_many_wrong_answers_as_expected_is_none(project: Path) -> None:
    feedback = Feedback(lambda release: heard(0.02, date(2026, 11, 3)), {"mood": 0.02})
    first, _ = judging.judge_windows(project, TRAFFIC, date(2026, 11, 6), feedback)
    assert (first.alarm, first.worse, first.quality["mood"].answers) == (False, [], 60)
    low, high = first.quality["mood"].less
    exact = quality.judge([list(graded(heard(0.02, first.last), KNOWN))], {})["mood"].less
    assert low < exact[0] - 0.001 and exact[1] + 0.001 < high  # a hundred test rows may err, too


def test_feedback_counts_in_the_window_in_which_it_came() -> None:
    days = [date(2026, 11, day) for day in (3, 4, 5, 9)]
    said = [Heard("mood", day, True, 0.9) for day in days]
    assert by_window([date(2026, 11, 3), date(2026, 11, 6)], said) == [said[:1], said[1:3]]


def test_feedback_of_a_task_that_is_not_known_is_left_out() -> None:
    said = [Heard("intent", date(2026, 11, 3), True, 0.9), Heard("mood", date(2026, 11, 3), True, 0.6)]
    (one,) = graded(said, KNOWN)
    assert one.expected == pytest.approx(0.7)


def test_what_the_test_rows_may_err_by_is_that_of_answers_as_sure_as_those_that_were_heard() -> None:
    """All of one bin of a hundred answers; or of both, as the test rows are."""

    def allowed(*sure: float) -> float:
        return slack(error_of(KNOWN["mood"], [Heard("mood", FIRST.date(), True, one) for one in sure]), 0.02)

    assert allowed(0.5, 0.6) == pytest.approx(0.02 + 2 * np.sqrt(71 * 31 / 102**2 / 100))
    assert allowed(0.6, 0.95) == pytest.approx(0.02 + 2 * np.sqrt(0.84 * 0.16 / 200))
    assert allowed() == 0.02
