"""Which articles are scored, under which words and time, and what of them is one sentence."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from components.errors import UserError
from components.files import sha256
from components.monitoring.history import History
from components.settings.monitor import Monitor
from flows.monitoring import scoring
from flows.monitoring.scoring import Scored
from tests.conftest import PARAMS
from tests.flows.champions import MONITOR, card, release
from tests.params.messages import complaint
from tests.release import bentos
from tests.serving import tiny

pytestmark = pytest.mark.slow


# --- what is scored, without a server -----------------------------------------------------------------

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def declared(**columns: str) -> Monitor:
    return Monitor.model_validate(
        {
            "articles": {"path": "news", "columns": columns},
            "topic": "size",
            "negative": {"task": "mood", "label": "down"},
        }
    )


def scored(root: Path, monitor: Monitor, now: datetime = NOW) -> tuple[Scored, pl.DataFrame]:
    """What a run has scored, and all the scores after it."""
    history = History(root / "monitoring")
    done = scoring.score(root, monitor, history, now)
    return done, history.read()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A champion, and a folder for articles; the test runs beside them."""
    release(bentos.repository(tmp_path), "first", seed=1)
    (tmp_path / "news").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, *articles: dict[str, str]) -> None:
    Path("news", name).write_text("".join(json.dumps(article) + "\n" for article in articles))


def test_an_article_keeps_the_time_and_the_words_under_which_it_was_first_seen(desk: Path) -> None:
    write("a.jsonl", {"text": "Oil is dear.", "key": "1"}, {"text": "Oil is cheap.", "key": "1"})
    (done, first) = scored(desk, declared(text="text", id="key"))
    assert (done.new, list(first["published"])) == (1, [NOW])
    release(desk, "second", seed=2)
    (done, both) = scored(desk, declared(text="text", id="key"), NOW + timedelta(days=3))
    assert (done.new, list(both["id"]), list(both["published"])) == (1, ["1", "1"], [NOW, NOW])
    (done, _) = scored(desk, declared(text="text", id="key"), NOW + timedelta(days=4))
    assert done.new == 0
    hours = [{"text": f"Gold {n}.", "key": "2", "at": str(NOW - n * timedelta(hours=1))} for n in (3, 2, 4)]
    write("b.jsonl", *hours)
    (done, scores) = scored(desk, declared(text="text", id="key", published="at"))
    assert scores.filter(id="2")["published"].to_list() == [NOW - timedelta(hours=3)]


def test_articles_that_no_window_will_be_compared_with_are_not_scored(desk: Path) -> None:
    reach = timedelta(days=declared().history_windows)
    write(
        "a.jsonl",
        {"text": "New.", "at": str(NOW)},
        {"text": "Old.", "at": str(NOW - reach)},
        {"text": "Too old.", "at": str(NOW - reach - timedelta(days=1))},
    )
    monitor = declared(text="text", published="at")
    assert scored(desk, monitor)[0].new == 2
    write("a.jsonl", {"text": "Also too old.", "at": str(NOW - reach - timedelta(days=1))})
    assert scored(desk, monitor)[0].new == 0  # the newest one was seen before


def test_a_long_article_is_scored_by_its_beginning(desk: Path) -> None:
    Path("news/a.txt").write_text("oil " * tiny.PACKAGING.max_characters)
    assert (scored(desk, declared(), datetime.now(UTC))[0]) == Scored(
        sha256(desk / "bento/src/bundle/model.safetensors"), "v1.0.0", new=1
    )


def test_an_article_that_the_champion_cannot_answer_is_left_out_alone(desk: Path) -> None:
    """Here because one of its tasks asks for two sentences."""
    order = card("mood", ["in order", "swapped"]) | {"family": "sentence_order"}
    release(desk, "third", seed=3, order=order)
    write("a.jsonl", *({"text": text} for text in ("Oil is dear. So is gold.", "Oil is dear.", "One. Two.")))
    done, scores = scored(desk, declared(text="text"))
    assert (done.new, len(scores)) == (2, 2)
    assert done.left_out == ["news/a.jsonl, row 2: the text has only one sentence, expected two or more"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"family": "regression"}, "the champion's task 'size' does not answer a text with a label, as params.yaml"),
        ({"inputs": ["text", "text_pair"]}, "the champion's task 'size' does not answer a text with a label"),
    ],
)  # fmt: skip
def test_a_champion_whose_task_was_another_one_is_one_sentence(change: dict[str, Any], sentence: str) -> None:
    cards = {"mood": card("mood", ["down", "up"]), "size": card("size", ["long", "short"]) | change}
    with pytest.raises(UserError, match=f"^{sentence}") as error:
        scoring.check(cards, declared())
    assert "\n" not in str(error.value)
    del cards["size"]
    with pytest.raises(UserError, match=r"^the champion has no task 'size', which params\.yaml names"):
        scoring.check(cards, declared())


def test_the_champion_is_looked_at_before_anything_is_scored(desk: Path) -> None:
    release(desk, "other", 2, size=card("size", ["long", "short"]) | {"inputs": ["text", "text_pair"]})
    write("a.jsonl", {"text": "Oil is dear."})
    with pytest.raises(UserError, match="'size' does not answer a text with a label"):
        scored(desk, declared())
    assert not list((desk / "monitoring").glob("scores/*"))


# --- mistakes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("monitor:\n", "watch:\n", "watch: unknown key"),
        ("topic: size", "topic: sise", "monitor.topic: no task 'sise' (did you mean 'size'?); expected one of mood, size"),
        ("topic: size", "topic: closeness", "monitor.topic: 'closeness' does not answer a text with a label"),
        ("topic: size", "topic: people", "monitor.topic: 'people' does not answer a text with a label"),
        ("{task: mood, label: down}", "{task: closeness, label: down}", "monitor.negative.task: 'closeness' does not answer a text with a label"),
        ("label: down}\n  min", "label: dawn}\n  min", "monitor.negative.label: 'mood' has no label 'dawn' (did you mean 'down'?); it has down, up"),
        ("{task: mood", "{task: mud", "monitor.negative.task: no task 'mud'"),
        ("min_windows: 6", "min_windows: 4", "monitor.min_windows: found 4, input should be greater than or equal to 5"),
        ("min_windows: 6", "min_windows: 80", "monitor: min_windows 80 is above history_windows 60"),
        ("min_windows: 6", "alpha: 1.5", "monitor.alpha: found 1.5, input should be less than 1"),
        ("published: published", "publisht: published", "monitor.articles.columns.publisht: unknown key (did you mean 'published'?)"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_settings_is_one_sentence(
    tiny_project: Path, old: str, new: str, expected: str
) -> None:
    (tiny_project / "params.yaml").write_text(PARAMS + MONITOR)
    assert expected in complaint(tiny_project, old, new)
