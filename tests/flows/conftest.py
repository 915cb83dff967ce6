"""A real Prefect server for the whole run, and toy projects."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.running import orphans
from tests.flows import prefect_server, toy
from tests.once import served_once

OWN_SERVER = ".onetrunk/prefect"  # of a project, the home of a server that a run starts for itself


class Server:
    """What the tests ask the server over its API: of their own project, for all workers share the server."""

    def __init__(self, url: str, home: Path) -> None:
        self.environment, self._home = prefect_server.environment(url, home), home
        self.api = httpx.Client(base_url=url + "/", timeout=120)

    def spare_first_start(self, home: Path) -> None:
        """Make the home of another server, as its first start would leave it."""
        shutil.copytree(self._home / prefect_server.NEW, home)

    def flow_runs(self, project: Path) -> list[dict[str, Any]]:
        """This project's runs, oldest first."""
        tags = [f"{kind}:{socket.gethostname()}:{project}" for kind in orphans.KINDS]
        wanted = {"sort": "START_TIME_ASC", "flow_runs": {"tags": {"any_": tags}}}
        runs: list[dict[str, Any]] = self.api.post("flow_runs/filter", json=wanted).json()
        return runs

    def task_states(self, flow_run: dict[str, Any]) -> dict[str, str]:
        """stage -> the name of its task run's state; task runs reach the server as events, a moment late."""
        wanted = {"flow_runs": {"id": {"any_": [flow_run["id"]]}}}
        return {
            run["name"]: run["state_name"] for run in self.api.post("task_runs/filter", json=wanted).json()
        }

    def artifact(self, project: Path, key: str = "retrain-summary") -> str:
        """The markdown of the summary of the project's last run."""
        of_run = {"id": {"any_": [self.flow_runs(project)[-1]["id"]]}}
        wanted = {"artifacts": {"key": {"any_": [key]}}, "flow_runs": of_run}
        (found,) = self.api.post("artifacts/filter", json=wanted).json()
        return str(found["data"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served_once(tmp_path_factory, "tests.flows.prefect_server:prefect") as (url, home):
        yield Server(url, home)


@pytest.fixture(scope="module")
def forking_commands(forking_python: str) -> Iterator[None]:
    """The commands of toy projects, and the stages that they run, are forks of a Python that has the libraries
    loaded (tests/forked.py): for a file that kills and interrupts nothing, or by a Python of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy, "python", f"{forking_python}/python")
        yield
