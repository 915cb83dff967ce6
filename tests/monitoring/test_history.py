"""Scores are kept whole and counted once; a window is judged once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from components.errors import UserError
from components.monitoring.history import History, Score, Window, counts
from components.monitoring.judging import judge_windows, windows_between
from components.monitoring.records import Finding
from components.settings.monitor import Articles, Monitor, Negative
from components.settings.traffic import Traffic

DAY = timedelta(days=1)
FIRST = datetime(2026, 11, 1, tzinfo=UTC)
MONITOR = Monitor(
    articles=Articles(path="news"), topic="topic", negative=Negative(task="mood", label="bad"), min_windows=5
)


def score(name: str, day: int, negative: bool = False, topic: str = "oil", model: str = "m") -> Score:
    return Score(name, FIRST + day * DAY, topic, negative, "{}", model)


def test_each_article_is_counted_once_by_each_model(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add([score("a", 0, True), score("b", 0), score("c", 1, True)])
    history.add([score("a", 0, True), score("d", 0, topic="gold"), score("a", 3, False, model="new")])
    first = Window.of(FIRST, DAY).number
    assert counts(history.read(), "m", DAY) == {
        "oil": {first: (1, 2), first + 1: (1, 1)},
        "gold": {first: (0, 1)},
    }
    assert counts(history.read(), "new", DAY) == {"oil": {first + 3: (0, 1)}}
    assert counts(history.read(), "unknown", DAY) == {}
    history.add([score("a", 0, False)])  # what was said first counts
    assert counts(history.read(), "m", DAY)["oil"][first] == (1, 2)


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window.of(FIRST, timedelta(hours=6))
    assert (window.start, window.end) == (FIRST, FIRST + timedelta(hours=6))
    assert Window.of(window.end, window.length).number == window.number + 1
    assert Window.of(window.end - timedelta(microseconds=1), window.length) == window
    assert Window.of(datetime(1969, 12, 31, 23, tzinfo=UTC), DAY).number == -1
    assert window.name == "20261101T00-6h"


def test_a_damaged_file_of_scores_is_named(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add([score("a", 0)])
    (tmp_path / "scores/00000002.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="00000002.parquet: not a readable file of scores"):
        history.read()


def test_scores_of_another_version_are_named_and_a_copy_is_none(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add([score("a", 0)])
    shutil.copy(tmp_path / "scores/00000001.parquet", tmp_path / "scores/00000001 (copy).parquet")
    assert list(history.read()["id"]) == ["a"]
    history.add([score("b", 0)])
    file = tmp_path / "scores/00000002.parquet"
    whole = pl.read_parquet(file)
    for other in (whole.drop("negative"), whole.with_columns(pl.col("published").cast(pl.Int64))):
        other.write_parquet(file)
        with pytest.raises(
            UserError, match=r"00000002\.parquet: not a readable file of scores .*; restore"
        ) as error:
            history.read()
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("{", "[", "not JSON"),
        ('"raised"', '"done"', r"raised: Field required; it was altered: restore it"),
        ('"negatives"', '"bad"', r"topics\.oil\.negatives: Field required"),
        ('"number": ', '"number": "a', "not"),
    ],
)
def test_a_damaged_judgement_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    history = filled(tmp_path, 3, surge=False)
    (window,) = judge_windows(history, MONITOR, "m", FIRST + 3 * DAY)
    file = history.file(window)
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(UserError, match=rf"{file.name}: {sentence}") as error:
        judge_windows(history, MONITOR, "m", FIRST + 4 * DAY)
    assert "\n" not in str(error.value)
    file.write_text("[]")
    with pytest.raises(UserError, match=r"the whole: Input should be a valid dictionary"):
        history.judgements()


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from components.monitoring.history import History, Score
history, name = History(Path(sys.argv[1])), sys.argv[2]
def score(key):
    return Score(key, datetime(2026, 11, 1, tzinfo=UTC), "oil", False, "{}", "m")
for number in range(int(sys.argv[3])):
    with history.turn():
        seen = set(history.read()["id"])
        history.add([score(key) for key in (f"shared {number}", f"{name} {number}") if key not in seen])
"""


def writer(folder: Path, name: str, times: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(times)], stderr=subprocess.PIPE
    )


@pytest.mark.slow
def test_writers_take_turns(tmp_path: Path) -> None:
    both = [writer(tmp_path, name, 8) for name in "ab"]
    assert [process.wait(60) for process in both] == [0, 0]
    ids = list(History(tmp_path).read()["id"])
    assert len(ids) == len(set(ids)) == 24


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_files_and_holds_nobody_up(tmp_path: Path) -> None:
    history = History(tmp_path)
    process = writer(tmp_path, "a", 10_000)
    deadline = time.monotonic() + 60
    while not len(list(tmp_path.glob("scores/*.parquet"))) > 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    with history.turn():
        before = list(history.read()["id"])
        history.add([score("last", 0)])
    assert len(before) >= 10
    assert list(history.read()["id"]) == [*before, "last"]


# --- judging ----------------------------------------------------------------------------------------


def filled(folder: Path, days: int, surge: bool) -> History:
    """Synthetic: four of twenty articles on oil are bad, on the last day sixteen may be."""
    history = History(folder)
    for day in range(days):
        bad = 16 if surge and day == days - 1 else 4
        history.add([score(f"{day} {number}", day, number < bad) for number in range(20)])
    return history


def starts(windows: list[Window]) -> list[int]:
    return [(window.start - FIRST).days for window in windows]


def test_at_first_the_latest_window_that_has_ended_is_judged(tmp_path: Path) -> None:
    history = filled(tmp_path, 12, surge=True)
    assert starts(judge_windows(history, MONITOR, "m", FIRST + 11.5 * DAY)) == [10]
    assert starts(judge_windows(history, MONITOR, "m", FIRST + 11.9 * DAY)) == []
    assert starts(judge_windows(history, MONITOR, "m", FIRST + 12 * DAY)) == [11]
    (_, calm), (_, surging) = history.judgements()
    assert not calm.topics["oil"].surge
    assert calm.raised
    assert surging.topics["oil"].surge
    assert not surging.raised
    (file,) = [file for file, found in history.judgements() if not found.raised]
    history.mark_raised(file)
    assert history.judgements()[1] == (file, surging.model_copy(update={"raised": True}))
    assert surging.topics["oil"].windows == 11
    assert surging.topics["oil"].expected == pytest.approx(4, abs=0.3)


def test_a_window_is_judged_once_whatever_comes_late(tmp_path: Path) -> None:
    history = filled(tmp_path, 12, surge=False)
    judge_windows(history, MONITOR, "m", FIRST + 12 * DAY)
    ((file, before),) = history.judgements()
    history.add([score(f"late {number}", 11, True) for number in range(30)])
    assert judge_windows(history, MONITOR, "m", FIRST + 13 * DAY) == []
    assert history.judgements() == [(file, before)]


def test_after_a_pause_every_window_is_judged_in_its_turn(tmp_path: Path) -> None:
    history = filled(tmp_path, 9, surge=False)
    judge_windows(history, MONITOR, "m", FIRST + 9 * DAY)
    for day in (9, 10, 12):
        history.add([score(f"{day} {number}", day, number < 4) for number in range(20)])
    assert starts(judge_windows(history, MONITOR, "m", FIRST + 20 * DAY)) == [9, 10, 12]
    assert [found.topics["oil"].windows for _, found in history.judgements()] == [8, 9, 10, 11]


def test_the_history_is_of_the_windows_right_before(tmp_path: Path) -> None:
    history = filled(tmp_path, 12, surge=False)
    short = MONITOR.model_copy(update={"history_windows": 6})
    judge_windows(history, short, "m", FIRST + 12 * DAY)
    ((_, found),) = history.judgements()
    assert found.topics["oil"].windows == 6


def test_what_another_model_scored_is_no_history(tmp_path: Path) -> None:
    history = filled(tmp_path, 12, surge=False)
    history.add([score(f"new {number}", 12, True, model="new") for number in range(20)])
    judge_windows(history, MONITOR, "new", FIRST + 13 * DAY)
    ((_, found),) = history.judgements()
    assert found.topics["oil"] == Finding(negatives=20, articles=20, windows=0)
    assert found.raised


def test_another_length_of_windows_begins_anew(tmp_path: Path) -> None:
    history = filled(tmp_path, 12, surge=False)
    judge_windows(history, MONITOR, "m", FIRST + 12 * DAY)
    weekly = MONITOR.model_copy(update={"window_hours": 48})
    assert len(judge_windows(history, weekly, "m", FIRST + 12 * DAY)) == 1
    assert len(history.judgements()) == 2


def test_nothing_is_judged_where_there_is_nothing(tmp_path: Path) -> None:
    assert judge_windows(History(tmp_path), MONITOR, "m", FIRST) == []


def test_surges_share_the_days_between_false_alarms_unless_they_have_an_alpha(tmp_path: Path) -> None:
    """A quarter of them, for the traffic may have three kinds of evidence."""
    traffic, hourly = Traffic(days_between_false_alarms=60), MONITOR.model_copy(update={"window_hours": 1})
    assert windows_between(MONITOR, None) == 100
    assert windows_between(MONITOR, traffic) == 4 * 60
    assert windows_between(hourly, traffic) == 4 * 60 * 24
    assert windows_between(MONITOR.model_copy(update={"alpha": 0.05}), traffic) == 20
    history = filled(tmp_path, 12, surge=True)
    judge_windows(history, MONITOR, "m", FIRST + 12 * DAY, traffic)
    assert history.judgements()[0][1].alpha == 1 / 240
