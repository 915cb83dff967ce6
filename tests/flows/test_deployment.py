"""prefect.yaml with a real server and a real worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows import toy
from tests.flows.conftest import Server

pytestmark = pytest.mark.minutes(0.5)


def prefect(project: Path, environment: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    result = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def deployed(server: Server, tmp_path: Path) -> Iterator[Path]:
    """A project with the repository's own deployment, due every 15 seconds, and a worker at work."""
    project = toy.make(tmp_path / "project", toy.CHAIN)
    weekly = (toy.CHECKOUT / "prefect.yaml").read_text()
    assert 'cron: "0 3 * * 1"' in weekly
    (project / "prefect.yaml").write_text(weekly.replace('cron: "0 3 * * 1"', "interval: 15"))
    environment = toy.environment(**server.environment, PREFECT_WORKER_QUERY_SECONDS="1")
    prefect(project, environment, "work-pool", "create", "onetrunk", "--type", "process")
    prefect(project, environment, "deploy", "--all")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "onetrunk"]
    with (tmp_path / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        yield project
        os.killpg(worker.pid, signal.SIGTERM)
        try:
            worker.wait(timeout=60)
        except subprocess.TimeoutExpired:  # on a busy machine it waits for the run that is due next
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()


@pytest.mark.slow
def test_a_scheduled_run_completes(deployed: Path, server: Server, tmp_path: Path) -> None:
    deadline = time.monotonic() + 300
    runs: list[dict[str, object]] = []
    while not any(run["state_type"] == "COMPLETED" for run in runs):
        assert time.monotonic() < deadline, (tmp_path / "worker.log").read_text()
        time.sleep(1)
        runs = server.flow_runs(deployed)
    assert runs[0]["auto_scheduled"] is True
    assert {stage for stage, _, _ in toy.events(deployed)} == {"plan", "train"}
