"""`onetrunk serve` under load, while the champion changes: the real service, git, and many callers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from components import loopback
from components.release import query
from components.rollout.records import TRIALS, TrialReport
from flows import status
from flows.rollout import service
from tests.flows import toy
from tests.flows.rollout import two_bentos

pytestmark = pytest.mark.slow  # two Bentos are released, and one is served

TEXT = {"texts": ["Angela Merkel was in Munich."], "tasks": ["sentiment", "ner"]}


@pytest.fixture(scope="module")
def project(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_bentos.make(tmp_path_factory.mktemp("released") / "project", bento)


@pytest.fixture(scope="module")
def url(project: Path) -> Iterator[str]:
    host = loopback.host()
    port = loopback.free_port(host)
    command = [sys.executable, "-m", "flows.cli", "serve", "--host", host, "--port", str(port)]
    log = project.parent / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=project, env=toy.environment(), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            query._wait(server, loopback.url(host, port), project, log)
            yield loopback.url(host, port)
        finally:
            query.stop(server)


class Load:
    """Callers who ask the same text over and over."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, str, str, str]] = []  # status, release, bundle, answers
        self.ended = threading.Event()
        self.callers = [threading.Thread(target=self._ask) for _ in range(4)]

    def _ask(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            while not self.ended.is_set():
                reply = client.post("/predict", json=TEXT)
                said = reply.json()
                release = reply.headers.get("X-Onetrunk-Release", "")
                found = two_bentos.dumped(said.get("answers"))
                self.answers.append((reply.status_code, release, said.get("version", ""), found))
                time.sleep(0.02)  # a service that is never idle compares nothing

    def __enter__(self) -> Load:
        for one in self.callers:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for one in self.callers:
            one.join()

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, [one[:3] for one in self.answers[-4:]]
            time.sleep(0.05)


def champions(url: str) -> list[list[str]]:
    """What the operator's page shows: release, how, why."""
    found = httpx.get(f"{url}/history", trust_env=False).json()["champions"]
    return [[one["release"], one["action"], one["why"]] for one in found]


def test_a_rollback_reaches_a_service_under_load_and_no_request_is_lost_or_mixed(
    url: str, project: Path
) -> None:
    with Load(url) as load:
        load.until(lambda: len(load.answers) >= 100)
        toy.onetrunk(project, "rollback", "--reason", "it says nonsense")
        load.until(lambda: any(one[1] == "v1.0.0" for one in load.answers))
        seen = len(load.answers)
        load.until(lambda: len(load.answers) >= max(200, seen + 50))
        load.until(lambda: champions(url)[0] == ["v1.0.0", "rollback", "it says nonsense"])
    assert {one[0] for one in load.answers} == {200}
    answered = {one[1:] for one in load.answers}
    assert sorted(release for release, *_ in answered) == ["v1.0.0", "v1.0.1"]  # each with one answer
    assert len({version for _, version, _ in answered}) == 2
    last = [one[1] for one in load.answers[-20:]]
    assert last == ["v1.0.0"] * 20
    assert [one[0] for one in champions(url)] == ["v1.0.0", "v1.0.1", "v1.0.0"]
    assert httpx.get(f"{url}/metadata", trust_env=False).json()["release"] == "v1.0.0"


def test_a_canary_that_answers_otherwise_falls_back_by_itself_and_that_is_remembered(
    url: str, project: Path
) -> None:
    report = project / TRIALS / "v1.0.1.json"
    with Load(url) as load:
        two_bentos.rollout(project, {"canary": {"share": 0.5, "release": "v1.0.1", "disagreement": 0.05}})
        load.until(lambda: report.is_file() and TrialReport.read(report).state == "fell back")
        load.until(lambda: [one[1] for one in load.answers[-20:]] == ["v1.0.0"] * 20)
    assert {one[0] for one in load.answers} == {200}
    answered = {one[1:] for one in load.answers}
    assert sorted(release for release, *_ in answered) == ["v1.0.0", "v1.0.1"]
    found = TrialReport.read(report)
    assert found.why == "its answers differ too often"
    assert 0 < found.total.answered < len(load.answers)
    assert status._service(service.running(project)[0]) == "v1.0.0 (1 worker)"
    log = (project.parent / "log").read_text()
    assert "release v1.0.0 answers now, no longer v1.0.1" in log
    assert "Traceback" not in log
