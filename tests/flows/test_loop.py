"""From traffic to a retraining, and back: a server, a worker and a service of a small project, and nothing else.

The project is one that `onetrunk init` makes; its rows, its callers and their corrections are synthetic. The days
of the traffic are past ones: the service's answers are recorded as it records them, with another clock.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from components.monitoring import retraining
from components.monitoring.traffic import judging, store
from components.monitoring.traffic.rows import RowMaker
from components.release import registry
from components.settings.traffic import Traffic
from flows import init
from tests.conftest import PARAMS, build_encoder, sentence
from tests.flows import prefect_server, served, toy
from tests.flows.conftest import Server
from tests.flows.machine import Machine, engine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.minutes(1),
    pytest.mark.timeout(1800),
    pytest.mark.usefixtures("forking_commands"),
]
ROWS, TEXTS, CORRECTED = 400, 80, 60  # of the data; of a day's traffic; of them that people correct
WATCH = {"reference_rows": TEXTS, "min_rows": 30, "days_between_false_alarms": 20}
DAILY = {
    "name": "daily",
    "entrypoint": "flows.traffic.traffic",
    "parameters": {},
    "work_pool": {"name": "onetrunk"},
}


def usual(number: int) -> tuple[str, str]:
    """A text as the data have it, with its label."""
    up = number % 3 > 0
    return f"{'good great' if up else 'bad poor'} {sentence(number)}", "up" if up else "down"


def novel(number: int) -> tuple[str, str]:
    """A text of another kind, of which the data have none, with its label."""
    word, label = (("boring", "down"), ("thrilling", "up"))[number % 2]
    return f"{word} {word} film with {'xyz'[number % 3]}{number}", label


class Project:
    """One that `onetrunk init` has made, with a task, and the commands that are given in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server: dict[str, str] = {}  # what makes a run use one that is there
        init.create(root, init.EMPTY)
        build_encoder(root / "encoder")
        lines = [f"{text},{label}" for text, label in map(usual, range(ROWS))]
        (root / "mood.csv").write_text("\n".join(["text,label", *lines]) + "\n")
        (root / "params.yaml").write_text(yaml.safe_dump(self._settings(), sort_keys=False))
        deployments = yaml.safe_load((root / "prefect.yaml").read_text())
        deployments["deployments"].append(DAILY)
        for one in deployments["deployments"]:
            one["schedules"] = []  # each begins when the test says so
            one["work_pool"].setdefault("job_variables", {})["command"] = engine(root, toy.python)
        (root / "prefect.yaml").write_text(yaml.safe_dump(deployments))

    @staticmethod
    def _settings() -> dict[str, Any]:
        settings = yaml.safe_load(PARAMS)
        mood = settings["tasks"]["mood"]
        del mood["joint"]
        mood |= {
            "source": {"path": "mood.csv", "format": "csv", "labels": ["down", "up"]},
            "splits": {"validation": 0.1, "test": 0.3},
            "gate": {"metric": "accuracy", "floor": 0.6, "margin": 0.1},
        }
        settings["training"] |= {"learning_rate": 5e-3}
        loop = {"traffic": WATCH, "feedback": {}, "retrain": {"alarm": True, "accepted_rows": CORRECTED}}
        return {**settings, "tasks": {"mood": mood}, "remotes": {}, "packaging": {"name": "moods"}, **loop}

    def onetrunk(self, *arguments: str) -> str:
        """What a command says."""
        done = toy.onetrunk(self.root, *arguments, **self.server)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "test")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "test@localhost")
    return Project(tmp_path / "moods")


@pytest.fixture
def machine(server: Server, tmp_path: Path, project: Project) -> Iterator[Machine]:
    """A server, a worker, and the project's deployments."""
    server.spare_first_start(tmp_path / "home")
    found = Machine(tmp_path / "home")
    try:
        found.start_server()
        found.start_worker("--type", "process")  # which makes the pool
        toy.wait_for(found.has_pool)
        found.prefect(project.root, "deploy", "--all")
        project.server = prefect_server.environment(found.url, found.home)
        yield found
    finally:
        found.lose_power()


class Callers:
    """They ask the service, and correct it."""

    def __init__(self, url: str, project: Path) -> None:
        self.project = project
        self.client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def ask(self, text: str) -> httpx.Response:
        return self.client.post("/predict", json={"texts": [text]}).raise_for_status()

    def ask_on(self, day: datetime, texts: list[str]) -> None:
        """Ask, and record the answers as the service does, as those of another day."""
        record, draw = Traffic(folder=str(self.project / Traffic().folder), **WATCH), random.Random(1)
        writer = store.Writer(record, f"{day:%d}")
        for text in texts:
            reply = self.ask(text)
            maker = self._maker(reply.headers["X-Onetrunk-Release"], record)
            row = maker.row(draw.random(), [text], reply.json()["answers"][0])
            writer.add([{**row, "time": day}])
        writer.flush()

    def _maker(self, release: str, record: Traffic) -> RowMaker:
        tokenizer = self.project / "bento/src/bundle/tokenizer.json"
        return RowMaker(tokenizer, {"mood": ["down", "up"]}, release, record)

    def correct(self, text: str, label: str) -> int:
        """Ask, and send the right answer -> how many are new."""
        asked = self.ask(text).headers["X-Request-ID"]
        said = {"id": asked, "task": "mood", "input": text, "answer": {"label": label}}
        return self.client.post("/feedback", json={"feedback": [said]}).raise_for_status().json()["kept"]

    def answers(self, request: dict[str, Any]) -> tuple[str, bytes]:
        """Which release answers, and its body."""
        reply = self.client.post("/predict", json=request).raise_for_status()
        return reply.headers["X-Onetrunk-Release"], reply.content

    def champions(self) -> list[tuple[str, str | None]]:
        """Those of the operator's page, the newest first, each with what asked for it."""
        said = self.client.get("/history").json()["champions"]
        return [(one["release"], one["because"]) for one in said]

    def share_of_right(self, texts: list[tuple[str, str]]) -> float:
        """Of texts with labels, the share that is answered by the label."""
        said = [self.ask(text).json()["answers"][0]["mood"]["label"] for text, _ in texts]
        return sum(one == label for one, (_, label) in zip(said, texts, strict=True)) / len(texts)


def test_from_a_shift_to_a_retraining_a_release_that_rolls_over_and_the_way_back(
    project: Project, machine: Machine
) -> None:
    root, question = project.root, {"texts": [usual(1)[0], novel(1)[0]]}
    assert "PROMOTE" in project.onetrunk("run")
    with served.service(root) as url:
        callers = Callers(url, root)
        first = callers.answers(question)
        assert first[0] == "v1.0.0"

        # Two usual days, then texts of another kind, of which people correct some.
        today, unseen = datetime.now(UTC).replace(hour=12), [novel(n) for n in range(3 * TEXTS, 4 * TEXTS)]
        callers.ask_on(today - timedelta(days=3), [usual(n)[0] for n in range(0, 2 * TEXTS, 2)])
        callers.ask_on(today - timedelta(days=2), [usual(n)[0] for n in range(1, 2 * TEXTS, 2)])
        callers.ask_on(today - timedelta(days=1), [novel(n)[0] for n in range(TEXTS)])
        before = callers.share_of_right(unseen)
        assert sum(callers.correct(*novel(n)) for n in range(TEXTS, TEXTS + CORRECTED)) == CORRECTED
        assert f"accepted: {CORRECTED} of mood" in project.onetrunk("feedback", "accept")

        # The watch raises an alarm and asks for a retraining; its event starts the flow; the gate lets the model
        # through; the service takes it over while it is asked.
        with served.Load(url, question, callers=2, pause=0.5) as load:
            machine.start_run("daily")
            assert machine.ended("traffic") == ["COMPLETED"]
            assert machine.ended("retrain", 2) == ["COMPLETED"] * 2  # the first by hand
            load.until(lambda: load.answers[-1][1] == "v1.0.1")
            asked = len(load.answers)
            load.until(lambda: len(load.answers) >= asked + 10)
        assert {one[0] for one in load.answers} == {200}
        assert len({one[1:] for one in load.answers}) == 2  # each release has one bundle and one answer
        (shifted,) = [window for _, window in judging.judgements(root) if window.alarm]
        assert (shifted.first, shifted.release) == ((today - timedelta(days=1)).date(), "v1.0.0")
        (request,) = retraining.every(root)
        assert request.outcome == "release v1.0.1"
        released = registry.read(root).release("v1.0.1").record
        assert released.because == request.reason
        assert re.match(rf"the alarm of {shifted.first}, release v1.0.0, .* SHIFTED", request.reason)
        assert f"{CORRECTED} rows of feedback accepted since v1.0.0 (mood {CORRECTED})" in request.reason
        assert "v1.0.1 was asked for by the alarm of" in " ".join(project.onetrunk("releases").split())
        after = callers.share_of_right(unseen)
        assert after >= before + 0.3, (before, after)
        assert "v1.0.1 (Bento" in callers.client.get("/operate").text
        toy.wait_for(lambda: callers.champions() == [("v1.0.1", request.reason), ("v1.0.0", None)], 30)

        # Back: the old release answers as it did.
        project.onetrunk("rollback", "--reason", "people like it less")
        toy.wait_for(lambda: callers.answers(question) == first, 60)
        assert "v1.0.0 (Bento" in callers.client.get("/operate").text
        toy.wait_for(lambda: [one for one, _ in callers.champions()] == ["v1.0.0", "v1.0.1", "v1.0.0"], 30)
    assert "Traceback" not in (root.parent / "log").read_text()
