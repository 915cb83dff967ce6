"""A worker that is killed while the release changes: no answer is mixed, and the new release answers in the end."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest

from components.rollout.records import PLAN, SERVICES, WORKERS, Plan
from tests.flows import served, toy
from tests.flows.rollout import two_bentos

pytestmark = pytest.mark.slow  # two Bentos are released, and one is served

TEXT = {"texts": ["Angela Merkel was in Munich."], "tasks": ["sentiment", "ner"]}
KILLS = int(os.environ.get("KILLS", "2"))
CALLERS = 4
CHANGE = 1.5  # seconds in which a worker notices, loads, asks and changes


def workers(project: Path) -> list[int]:
    """Those that are alive."""
    found = [int(file.stem.split("-")[1]) for file in (project / SERVICES).glob(f"*/{WORKERS}")]
    return [pid for pid in found if psutil.pid_exists(pid)]


def planned(project: Path) -> str:
    (file,) = (project / SERVICES).glob(f"*/{PLAN}")
    return Plan.read(file).champion.release


def ready(url: str) -> dict[str, int]:
    """How many workers answer with which release, if anybody says so."""
    try:
        releases: dict[str, int] = httpx.get(f"{url}/readyz", trust_env=False).json()["releases"]
    except httpx.HTTPError:
        return {}
    return releases


def kill_while_it_changes(load: served.Load, project: Path, release: str, chance: random.Random) -> None:
    """Change to the release, kill a worker meanwhile, and wait until all answer with it."""
    toy.onetrunk(project, "rollback", "--to", release, "--reason", "nonsense")
    load.until(lambda: planned(project) == release)
    time.sleep(chance.uniform(0, CHANGE))
    os.kill(chance.choice(workers(project)), signal.SIGKILL)
    load.until(lambda: ready(load.url) == {release: 2}, 180)
    seen = len(load.answers)
    load.until(lambda: len(load.answers) >= seen + 20)
    assert {one[1] for one in load.answers[-10:]} == {release}


def test_a_worker_killed_at_any_instant_of_a_change_mixes_no_answers(bento: Path, tmp_path: Path) -> None:
    project, chance = two_bentos.make(tmp_path / "project", bento), random.Random(20261130)
    with served.service(project, "--workers", "2") as url, served.Load(url, TEXT, CALLERS) as load:
        load.until(lambda: len(load.answers) >= 50)
        for number in range(KILLS):
            kill_while_it_changes(load, project, f"v1.0.{number % 2}", chance)
    lost = [one for one in load.answers if one[0] != 200]
    assert {one[0] for one in lost} <= {0}  # the connections of who was killed
    assert len(lost) <= KILLS * CALLERS
    answered = {one[1:] for one in load.answers if one[0] == 200}
    assert sorted(release for release, *_ in answered) == ["v1.0.0", "v1.0.1"]  # each with one answer
