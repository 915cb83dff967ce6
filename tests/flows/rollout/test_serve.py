"""`onetrunk serve` under load, while the champion changes: the real service, git, and many callers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from components.release.variables import ROLLOUT
from components.rollout.mark import AT_WORK, MARKS, deaths
from components.rollout.records import SERVICES, TRIALS, TrialReport
from flows import status
from flows.rollout import service
from tests.flows import served, toy
from tests.flows.rollout import two_bentos

pytestmark = pytest.mark.slow  # two Bentos are released, and one is served

TEXT = {"texts": ["Angela Merkel was in Munich."], "tasks": ["sentiment", "ner"]}


@pytest.fixture(scope="module")
def project(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_bentos.make(tmp_path_factory.mktemp("released") / "project", bento)


@pytest.fixture(scope="module")
def url(project: Path) -> Iterator[str]:
    with served.service(project) as found:
        yield found


def champions(url: str) -> list[list[str]]:
    """What the operator's page shows: release, how, why."""
    found = httpx.get(f"{url}/history", trust_env=False).json()["champions"]
    return [[one["release"], one["action"], one["why"]] for one in found]


def test_a_rollback_reaches_a_service_under_load_and_no_request_is_lost_or_mixed(
    url: str, project: Path
) -> None:
    with served.Load(url, TEXT) as load:
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
    ready = httpx.get(f"{url}/readyz", trust_env=False).json()
    assert (ready["releases"], ready["follows"]) == ({"v1.0.0": 1}, True)
    assert service.in_use(project) == {
        "v1.0.0",
        "v1.0.1",
    }  # its workers' code is in the one that it began with


def test_a_canary_that_answers_otherwise_falls_back_by_itself_and_that_is_remembered(
    url: str, project: Path
) -> None:
    report = project / TRIALS / "v1.0.1.json"
    with served.Load(url, TEXT) as load:
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


def test_a_canary_that_workers_die_of_falls_back_and_the_service_goes_on(url: str, project: Path) -> None:
    """As the system ends them where memory runs out, while the candidate answers; one has died before."""
    report = project / TRIALS / "v1.0.1.json"
    report.unlink()
    (folder,) = (project / SERVICES).iterdir()
    with served.Load(url, TEXT) as load:
        two_bentos.rollout(project, {"canary": {"share": 0.99, "release": "v1.0.1", "disagreement": 0.98}})
        load.until(report.is_file)
        (folder / "mark-of-another").write_bytes(AT_WORK + TrialReport.read(report).began.encode())
        load.until(lambda: kill_at_work(folder) or TrialReport.read(report).ended, 120)
        load.until(lambda: [one[:2] for one in load.answers[-20:]] == [(200, "v1.0.0")] * 20)
    assert TrialReport.read(report).why == "2 workers have died while it was at work"
    log = (project.parent / "log").read_text()
    assert "v1.0.1: canary beside v1.0.0: fell back (2 workers have died while it was at work)" in log


def kill_at_work(folder: Path) -> None:
    """Kill the worker, if the candidate is at work in it: a mark outlives the worker that made it."""
    at_work = sum(path.read_bytes().startswith(AT_WORK) for path in folder.glob(MARKS))
    if at_work > deaths(folder).total():
        for file in folder.glob("worker-*.json"):
            with contextlib.suppress(psutil.NoSuchProcess):
                worker = psutil.Process(int(file.stem.split("-")[1]))
                if worker.environ().get(ROLLOUT) == str(folder):
                    worker.kill()
