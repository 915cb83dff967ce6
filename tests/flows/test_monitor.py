"""The flow `monitor` with a real Prefect server and a real, tiny model whose answers are random but fixed."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from serving.predictor import Predictor
from tests.conftest import PARAMS, sentence, write_sources
from tests.flows import toy
from tests.flows.champions import MONITOR, make_champion, pack, release, seal
from tests.flows.conftest import Server
from tests.release import bentos

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.5)]


DAYS = 10
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
    assert re.search(r"short +10 +10 +2\.\d +\S+ +SURGE", said)  # a table for eyes, and no Markdown
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


@pytest.mark.slow
def test_without_a_champion_or_a_section_nothing_starts(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project")
    done = toy.onetrunk(project, "monitor")
    assert (done.returncode, done.stderr) == (
        2,
        "error: params.yaml: monitor: missing; docs/how-to/monitoring.md says what belongs there\n",
    )
