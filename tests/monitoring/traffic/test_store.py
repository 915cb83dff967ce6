"""What is kept of a service's traffic, and what is compared with what."""

from __future__ import annotations

import json
import shutil
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.errors import UserError
from components.monitoring import detectors
from components.monitoring.traffic import comparing, judging, store
from components.monitoring.traffic.rows import KEPT, LONGEST, REDACTED, RowMaker
from components.monitoring.traffic.store import Writer
from components.monitoring.traffic.verdict import Watch
from components.monitoring.traffic.words import in_words
from components.settings.traffic import Traffic
from tests.monitoring.traffic import asked
from tests.serving import tiny

DAY = datetime(2026, 11, 2, 12, tzinfo=UTC)
WORDS = ["Ada was in Rome, call 555-0100."]
ANSWERS = {
    "sentiment": {"label": "positive", "probability": 0.9, "probabilities": {"positive": 0.9}},
    "ner": {"entities": [{"text": "Ada"}], "note": "Ada was"},
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny.write_model(tmp_path_factory.mktemp("traffic") / "model")
    return tmp_path_factory.getbasetemp() / "traffic0/model/tokenizer.json"


def maker(tokenizer: Path, release: str = "v1", **settings: Any) -> RowMaker:
    return RowMaker(tokenizer, {"sentiment": ["negative", "positive"]}, release, Traffic(**settings))


def rows(
    tokenizer: Path, count: int, when: datetime = DAY, release: str = "v1", text: str = WORDS[0]
) -> list[Any]:
    draw = np.random.default_rng(count)
    made = maker(tokenizer, release)
    return [{**made.row(float(draw.uniform()), [text], ANSWERS), "time": when} for _ in range(count)]


def test_a_row_says_what_kind_of_text_it_was_and_not_the_text(tokenizer: Path) -> None:
    row = maker(tokenizer).row(0.5, WORDS, ANSWERS)
    assert (row["characters"], row["script"], row["release"], row["unknown"]) == (31, "latin", "v1", 0.0)
    assert len(row["sketch"]) == 64
    answered = {name: value for name, value in row.items() if "." in name}
    assert answered == {
        "sentiment.label": "positive", "sentiment.probability": 0.9, "ner.entities": 1.0, "ner.note": 7.0
    }  # fmt: skip
    assert "Ada" not in str(row)


def test_what_is_no_number_of_an_answer_is_left_out(tokenizer: Path) -> None:
    """Or the mean of a day would be none, and JSON knows none."""
    answers = {"mood": {"score": float("nan"), "probability": float("inf"), "sure": 0.5}}
    row = RowMaker(tokenizer, {}, "v1", Traffic()).row(0.5, ["a text"], answers)
    assert {name: value for name, value in row.items() if name.startswith("mood.")} == {"mood.sure": 0.5}


def test_a_tokenizer_whose_ids_have_gaps_is_read(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "late", "late", "again"]  # the second "late" has the id
    tiny.write_tokenizer(tmp_path / "tokenizer.json", words)
    row = maker(tmp_path / "tokenizer.json").row(0.5, ["late again"], ANSWERS)
    assert (row["tokens"], row["unknown"]) == (2, 0.0)


def test_a_text_is_kept_where_the_settings_say_so_but_for_what_is_redacted(tokenizer: Path) -> None:
    row = maker(tokenizer, texts=True, redact=[r"\d{3}-\d{4}"]).row(0.5, WORDS, ANSWERS)
    assert row["text"] == "Ada was in Rome, call […]."


def test_beside_a_text_stand_its_request_and_its_inputs_redacted_however_deep(tokenizer: Path) -> None:
    made = maker(tokenizer, texts=True, redact=[r"\d{3}-\d{4}"])
    inputs = {"turns": [{"role": "customer", "text": "call 555-0100"}], "history": ["555-0100", 3]}
    row = made.row(0.5, ["call 555-0100"], ANSWERS, "c0ffee/2", inputs)
    assert row["request"] == "c0ffee/2"
    assert json.loads(row["inputs"]) == {
        "turns": [{"role": "customer", "text": "call […]"}], "history": ["[…]", 3]
    }  # fmt: skip
    unsaid = maker(tokenizer).row(0.5, WORDS, ANSWERS, "c0ffee/2", {"text": WORDS[0]})
    assert not {"request", "inputs", "text"} & set(unsaid)


def test_a_text_that_takes_too_long_to_redact_is_not_kept_but_all_else_of_it_is(tokenizer: Path) -> None:
    """A caller could hold up a worker for seconds by a text that an expression goes through again and again."""
    made = maker(tokenizer, texts=True, redact=[r"\S+@\S+"])
    assert made.row(0.5, ["a" * (REDACTED - 4) + " a@b"], ANSWERS)["text"].endswith("a […]")
    long = made.row(0.5, ["a" * (REDACTED - 3) + " a@b"], ANSWERS, "c0ffee/2", {"text": "a"})
    assert not set(KEPT) & set(long)
    assert (long["characters"], long["sentiment.label"]) == (REDACTED + 1, "positive")
    whole = maker(tokenizer, texts=True).row(0.5, ["a" * (LONGEST + 1)], ANSWERS)
    assert len(whole["text"]) == LONGEST


def test_sketches_of_texts_alike_are_alike(tokenizer: Path) -> None:
    texts = ["ada was in rome today", "ada was in rome yesterday", "9 8 7 6 5 4 3 2 1"]
    one, other, numbers = (
        np.frombuffer(maker(tokenizer).row(0, [text], {})["sketch"], dtype=np.int8).astype(float)
        for text in texts
    )
    assert np.linalg.norm(one - other) < 0.7 * np.linalg.norm(one - numbers)


@pytest.mark.slow
def test_the_sample_of_a_day_is_bounded_whoever_writes_and_however_often(
    tokenizer: Path, tmp_path: Path
) -> None:
    traffic = Traffic(folder=str(tmp_path), rows_a_day=20)
    keys = set()
    for worker in ("a", "b"):
        writer = Writer(traffic, worker)
        for start in range(0, 300, 100):
            for row in rows(tokenizer, 300)[start : start + 100]:
                row["id"] += worker
                keys.add(row["key"])
                if writer.wants(row["key"], DAY):
                    writer.add([row])
            writer.flush()
    assert sum(len(pq.read_table(file)) for file in tmp_path.glob("*/*.parquet")) < 400
    found = store.read(tmp_path, DAY.date(), 20)
    assert len(found) == 20
    assert set(found["key"].to_pylist()) == set(sorted(keys)[:10])  # both workers have seen the same keys


def test_what_is_too_old_is_removed_by_a_new_worker_and_at_the_first_of_a_day(
    tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(Traffic(folder=str(tmp_path), keep_days=30), "a")
    now = datetime.now(UTC)
    for age in (0, 1, 29, 31, 400):
        when = now - timedelta(days=age)
        writer.wants(0.5, when)
        writer.add(rows(tokenizer, 1, when))
    writer.flush()
    (tmp_path / "notes").mkdir()
    later = Writer(Traffic(folder=str(tmp_path), keep_days=30), "b")
    later.flush()
    assert store.days(tmp_path) == [(now - timedelta(days=age)).date() for age in (29, 1, 0)]
    monkeypatch.setattr(store, "_day", lambda _: (now + timedelta(days=2)).date())
    later.flush()
    assert store.days(tmp_path) == [(now - timedelta(days=age)).date() for age in (1, 0)]
    assert (tmp_path / "notes").is_dir()


def test_a_clock_that_is_years_ahead_removes_nothing_until_there_was_a_day_of_it(
    tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(Traffic(folder=str(tmp_path), keep_days=30), "a")
    now = datetime.now(UTC)

    def recorded(ahead: int) -> list[int]:
        """What is there after a day so far ahead, by how far each day is."""
        when = now + timedelta(days=ahead)
        monkeypatch.setattr(store, "_day", lambda given: (given or when).date())
        writer.wants(0.5, when)
        writer.add(rows(tokenizer, 1, when))
        writer.flush()
        return [(day - now.date()).days for day in store.days(tmp_path)]

    assert recorded(0) == [0]
    assert recorded(1) == [0, 1]
    assert recorded(3650) == [0, 1, 3650]
    assert recorded(2) == [0, 1, 2, 3650]  # it was set right
    assert recorded(3650) == [0, 1, 2, 3650]
    assert recorded(3651) == [3650, 3651]


def test_a_worker_has_a_file_an_hour_however_often_it_writes(tokenizer: Path, tmp_path: Path) -> None:
    writer = Writer(Traffic(folder=str(tmp_path)), "a")
    now = datetime.now(UTC).replace(minute=0)
    for row in rows(tokenizer, 10, now):
        writer.add([row])
        writer.flush()
    writer.add(rows(tokenizer, 2, now - timedelta(hours=1)))
    writer.flush()
    assert sorted(len(pq.read_table(file)) for file in tmp_path.glob("*/*.parquet")) == [2, 10]
    assert list(writer.hours) == [now.replace(second=0, microsecond=0)]


def test_what_cannot_be_written_is_written_once_it_can(
    tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(Traffic(folder=str(tmp_path)), "a")
    with monkeypatch.context() as full:
        full.setattr(store, "MOST_HOURS", 3)
        (tmp_path / DAY.date().isoformat()).write_text("in the way of the folder")
        for hour in range(5):
            writer.add(rows(tokenizer, 10, DAY + timedelta(hours=hour)))
            with pytest.raises(OSError, match="File exists"):
                writer.flush()
    (tmp_path / DAY.date().isoformat()).unlink()
    writer.flush()
    assert len(store.read(tmp_path, DAY.date(), 100)) == 30
    assert not writer.hours


def test_two_who_write_at_once_lose_nothing(tokenizer: Path, tmp_path: Path) -> None:
    """As the thread that writes and the one that ends the worker."""
    writer = Writer(Traffic(folder=str(tmp_path)), "a")
    for row in rows(tokenizer, 20):
        writer.add([row])
        both = [threading.Thread(target=writer.flush) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()
    assert len(store.read(tmp_path, DAY.date(), 100)) == 20


def test_a_damaged_file_is_named(tokenizer: Path, tmp_path: Path) -> None:
    writer = Writer(Traffic(folder=str(tmp_path)), "a")
    writer.add(rows(tokenizer, 3))
    writer.flush()
    (file,) = tmp_path.glob("*/*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(
        UserError, match=r"a-00000001\.parquet: not a readable file of traffic \(.*\); remove it$"
    ):
        store.read(tmp_path, DAY.date(), 20)


def test_each_day_is_compared_with_the_first_texts_of_its_release(tokenizer: Path, tmp_path: Path) -> None:
    """A day with few texts is joined to the next; a new release has a reference of its own."""
    traffic = Traffic(folder=".", reference_rows=30, min_rows=20)
    writer = Writer(Traffic(folder=str(tmp_path)), "a")
    for day, count, release in [(0, 20, "v1"), (1, 20, "v1"), (2, 5, "v1"), (3, 20, "v1"), (4, 50, "v2")]:
        writer.add(rows(tokenizer, count, DAY + timedelta(days=day), release))
    writer.flush()
    found = list(comparing.windows(traffic, tmp_path, date(2026, 12, 1)))
    assert [(one.release, one.first.day, one.last.day, len(one.reference), len(one.rows)) for one in found] == [
        ("v1", 3, 5, 30, 35), ("v2", 6, 6, 30, 20),
    ]  # fmt: skip
    assert [one.last.day for one in comparing.windows(traffic, tmp_path, date(2026, 11, 6))] == [5]


def test_days_that_are_removed_in_time_change_no_reference_and_no_day_is_judged_again(
    tokenizer: Path, tmp_path: Path
) -> None:
    traffic = Traffic(folder="traffic", reference_rows=30, min_rows=20, texts=True)
    writer, today = Writer(Traffic(folder=str(tmp_path / "traffic")), "a"), (DAY + timedelta(days=9)).date()
    made = [
        row
        for day, count in enumerate([20, 20, 5, 20, 20, 5])
        for row in rows(tokenizer, count, DAY + timedelta(days=day))
    ]
    said = {"text": WORDS[0], "request": "r/0", "inputs": json.dumps({"text": WORDS[0]})}
    writer.add([{**row, **said} for row in made])
    writer.flush()
    (before, *_) = comparing.windows(traffic, tmp_path, today)
    assert [one.first.day for one in judging.judge_windows(tmp_path, traffic, today)] == [3, 6]
    for day in range(4):
        shutil.rmtree(tmp_path / "traffic" / (DAY + timedelta(days=day)).date().isoformat())
    assert judging.judge_windows(tmp_path, traffic, today) == []
    writer.add(rows(tokenizer, 30, DAY + timedelta(days=6)))
    writer.flush()
    (window,) = comparing.windows(traffic, tmp_path, today, {"v1": [(date(2026, 11, 2), date(2026, 11, 6))]})
    assert (window.first.day, window.last.day) == (7, 8)
    assert window.reference["id"].to_pylist() == before.reference["id"].to_pylist()
    (kept,) = (tmp_path / comparing.REFERENCES).iterdir()
    assert not {"text", "request", "inputs"} & set(pq.read_table(kept).column_names)


def test_a_window_of_other_texts_is_an_alarm_and_one_of_the_same_is_none(
    tokenizer: Path, tmp_path: Path
) -> None:
    traffic = Traffic(folder=".", **asked.SETTINGS)
    asked.three_days(tmp_path, tokenizer, DAY)
    same, other = (Watch(one, {}, [], {}) for one in comparing.windows(traffic, tmp_path, date(2026, 12, 1)))
    assert not same.judged(20).alarm
    (shift,) = other.judged(20).moved
    assert shift.subject == "wording"
    assert set(shift.typical) <= set(other.due.rows["id"].to_pylist())


def test_a_shift_of_languages_is_found_also_where_files_of_before_name_none(
    tokenizer: Path, tmp_path: Path
) -> None:
    """The same script; the words of the tiny tokenizer are all unknown, and the sketches alike."""
    writer = Writer(Traffic(folder=str(tmp_path)), "a")
    for day, text in enumerate(
        ["the text is of the day", "the text is of the day", "der Text ist von dem Tag"]
    ):
        made = rows(tokenizer, 50, DAY + timedelta(days=day), text=text)
        for row in made[: 0 if day else 10]:
            del row["language"]
        writer.add(made)
    writer.flush()
    traffic = Traffic(folder=".", reference_rows=50, min_rows=50)
    same, other = (Watch(one, {}, [], {}) for one in comparing.windows(traffic, tmp_path, date(2026, 12, 1)))
    assert "language" not in {one.subject for one in same.judged(20).moved}
    moved = {one.subject: one.words for one in other.judged(20).moved}
    assert moved["language"] == "language: de 0% → 100%, en 100% → 0%"
    old = comparing.windows(traffic, tmp_path, date(2026, 12, 1))
    assert "language" not in comparing.texts(next(old).rows.drop_columns("language")).words


ANOTHER = """
from components.monitoring.detectors.base import Tail

def _tests(seen):
    if len(seen.later_N):
        yield Tail(subject="weekday", words="weekday: it was a Sunday", p=1e-6)

DETECTOR = _tests
"""


@pytest.fixture
def another_detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in the folder of detectors, as anybody may add it."""
    (tmp_path / "weekday.py").write_text(ANOTHER)
    monkeypatch.setattr(detectors, "__path__", [*detectors.__path__, str(tmp_path)])
    yield
    sys.modules.pop("components.monitoring.detectors.weekday", None)


@pytest.mark.usefixtures("another_detector")
def test_another_detector_is_one_added_file_that_is_heard_and_has_its_share(
    tokenizer: Path, tmp_path: Path
) -> None:
    asked.three_days(tmp_path / "traffic", tokenizer, DAY)
    traffic = Traffic(folder="traffic", **asked.SETTINGS)
    first, second = judging.judge_windows(tmp_path, traffic, date(2026, 11, 9))
    assert [one.subject for one in first.moved] == ["weekday"]
    assert {one.subject for one in second.moved} == {"weekday", "wording"}
    assert in_words(first).splitlines()[1] == "  weekday: it was a Sunday"
    assert second.p <= 1 / (2 * traffic.days_between_false_alarms)
