"""The flow `monitor` with a real Prefect server and a real, tiny model whose answers are random but fixed."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from components.errors import UserError
from components.files import sha256, write_manifest
from components.monitoring.history import History
from components.release import moves, registry
from components.release.records import BundleCard, Code, Limits, PackedModel
from components.settings.monitor import Monitor
from flows.monitoring import scoring
from flows.monitoring.scoring import Scored
from serving.predictor import Predictor
from tests.conftest import PARAMS, sentence, write_sources
from tests.flows import toy
from tests.flows.conftest import Server
from tests.params.messages import complaint
from tests.release import bentos
from tests.serving import tiny

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.5)]

DAYS = 10
MONITOR = """\
remotes: {}
monitor:
  articles: {path: news, columns: {text: text, published: published}}
  topic: size
  negative: {task: mood, label: down}
  min_windows: 6
"""
RUN = "from flows.monitor import monitor; print('STATE', monitor(return_state=True).message)"
# A run that was killed between sending an event and noting that it had.
AGAIN = """
import json, pathlib
from flows.monitor import monitor
(file,) = [file for file in pathlib.Path("monitoring/judged").iterdir() if '"surge": true' in file.read_text()]
file.write_text(file.read_text().replace('"raised": true', '"raised": false'))
for _ in range(2):
    print("STATE", monitor(return_state=True).message)
"""


def card(head: str, labels: list[str]) -> dict[str, Any]:
    facts = {"labels": labels, "options": tiny.OPTIONS}
    return {"task": "mood", "family": "classification", "facts": facts, "max_length": 24, "inputs": ["text"]}


def release(root: Path, version: str, seed: int, **others: dict[str, Any]) -> Path:
    """A champion of random weights, which answers mood and size, and the other cards; its bundle."""
    bundle = pack(root, version, seed, **others)
    make_champion(root)
    return bundle


def pack(root: Path, version: str, seed: int, **others: dict[str, Any]) -> Path:
    """A Bento of such a model, which nobody has released; its bundle."""
    shutil.rmtree(root / "bento", ignore_errors=True)
    bundle = root / "bento/src/bundle"
    cards = {"mood": card("mood", ["down", "up"]), "size": card("size", ["long", "short"]), **others}
    tiny.write_model(bundle, seed, cards)
    seal(bundle, version)
    return bundle


def make_champion(root: Path) -> None:
    bento = root / "bento"
    (bento / "bento.yaml").touch()
    write_manifest(bento)
    bentos.track(root)
    model = sha256(bento / registry.WEIGHTS)
    moves.release(bento, bentos.write_verdict(root, against=registry.champion(model, root)), root)


def seal(bundle: Path, version: str) -> None:
    card = BundleCard(
        name=tiny.PACKAGING.name,
        version=version,
        model=PackedModel(sha256=sha256(bundle / "model.safetensors"), files={}),
        data={},
        code=Code(sha256=""),
        commit=None,
        verdict="PROMOTE",
        limits=Limits(**tiny.PACKAGING.model_dump(include=set(Limits.model_fields))),
        tasks={},
    )
    card.write(bundle / "card.json")
    write_manifest(bundle)


def split_evenly(bundle: Path, texts: list[str]) -> dict[tuple[str, str], list[str]]:
    """Shift the heads' biases so that each label is said of half the texts: (size, mood) -> texts."""
    import torch

    predictor = Predictor(bundle)
    said = [
        answers
        for start in range(0, len(texts), 8)
        for answers in predictor.predict(texts[start : start + 8], None)
    ]
    labels, clear = [], np.full(len(texts), True)
    for head, (one, other) in (("size", ("long", "short")), ("mood", ("down", "up"))):
        probabilities = [answers[head].probabilities for answers in said]  # type: ignore[attr-defined]
        odds = np.array([np.log(found[one] / found[other]) for found in probabilities])
        labels.append(np.where(odds > np.median(odds), one, other))
        clear &= abs(odds - np.median(odds)) > 1e-3  # or the company in a pass would decide
        with torch.no_grad():
            predictor.model.heads[head].output.bias[0] -= float(np.median(odds))
    predictor.model.save_pretrained(bundle)
    seal(bundle, "first")
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for text, is_clear, *pair in zip(texts, clear, *labels, strict=True):
        if is_clear:
            found[pair[0], pair[1]].append(text)
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion and ten days of news: two of ten articles of a topic are bad, then all."""
    root = bentos.repository(tmp_path_factory.mktemp("monitor") / "project")
    write_sources(root / "sources")
    (root / "encoder").mkdir()
    (root / "params.yaml").write_text(PARAMS + MONITOR)
    said = split_evenly(
        pack(root, "first", seed=1), [f"{sentence(number)} {number % 7 * 'ab '}" for number in range(500)]
    )
    make_champion(root)
    first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - DAYS * timedelta(days=1)
    (root / "news").mkdir()
    for day in range(DAYS):
        bad = 10 if day == DAYS - 1 else 2
        today = [said["short", "down"].pop() for _ in range(bad)]
        today += [said["short", "up"].pop() for _ in range(10 - bad)] + [
            said["long", "up"].pop() for _ in range(3)
        ]
        lines = [
            json.dumps({"text": text, "published": str(first + day * timedelta(days=1))}) for text in today
        ]
        (root / f"news/{day:02d}.jsonl").write_text("\n".join(lines) + "\n")
    (root / "news/broken.txt").write_text(" ")
    return root


def run(project: Path, server: Server, code: str = RUN) -> str:
    script = project.with_name("run.py")
    script.write_text(code)
    done = subprocess.run(
        [toy.python, str(script)],
        cwd=project,
        env=toy.environment(**server.environment),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def events(server: Server) -> list[dict[str, Any]]:
    wanted = {"filter": {"event": {"name": ["onetrunk.negative-surge"]}}}
    found: list[dict[str, Any]] = server.api.post("events/filter", json=wanted).json()["events"]
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("forking_commands")
def test_a_surge_is_scored_judged_and_raised_once(project: Path, server: Server) -> None:
    said = run(project, server)
    assert f"{13 * DAYS} new articles, scored by release v1.0.0" in said
    assert "1 article left out:\n- news/broken.txt: 'text' is empty" in said
    assert "| short | 10 | 10 | 2." in said
    assert f"STATE {13 * DAYS} new articles, 1 surge" in said
    (event,) = events(server)
    assert event["resource"]["prefect.resource.id"] == "onetrunk.tiny.topic.short"
    assert event["payload"]["negatives"] == 10
    assert event["payload"]["articles"] == 10
    assert event["payload"]["q"] < 0.01
    (flow_run,) = server.flow_runs(project)
    assert flow_run["state_type"] == "COMPLETED"
    assert "| short | 10 | 10 |" in server.artifact(project, "monitor-summary")

    said = run(project, server, AGAIN)
    assert "STATE 0 new articles, 1 surge" in said  # sent again, for nobody knows that it has been
    assert "STATE 0 new articles, 0 surges" in said
    assert events(server) == [event]


@pytest.mark.slow
@pytest.mark.usefixtures("forking_commands")
def test_another_champion_scores_anew_and_is_not_held_to_the_scores_of_the_old_one(
    project: Path, server: Server
) -> None:
    """After the test above."""
    release(project, "second", seed=2)
    said = run(project, server)
    assert f"{13 * DAYS} new articles, scored by release v1.0.1" in said
    scores = pl.read_parquet(project / "monitoring/scores/*.parquet")
    assert scores["model"].n_unique() == 2
    assert len(scores) == len(scores.unique(["id", "model"])) == 26 * DAYS
    times = scores.group_by("id").agg(pl.col("published").n_unique())
    assert set(times["published"]) == {1}


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


@pytest.mark.slow
def test_without_a_champion_or_a_section_nothing_starts(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project")
    done = toy.onetrunk(project, "monitor")
    assert (done.returncode, done.stderr) == (
        2,
        "error: params.yaml: monitor: missing; docs/how-to/monitoring.md says what belongs there\n",
    )
