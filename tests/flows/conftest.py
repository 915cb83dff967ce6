"""A real Prefect server for the session, and toy projects."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows import toy


class Server:
    """What the tests ask the server over its API."""

    def __init__(self, url: str, home: Path) -> None:
        self.environment = {
            "PREFECT_API_URL": url,
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }
        self.api = httpx.Client(base_url=url + "/", timeout=30)

    def flow_runs(self, project: Path) -> list[dict[str, Any]]:
        """This project's runs, oldest first."""
        runs = self.api.post("flow_runs/filter", json={"sort": "START_TIME_ASC"}).json()
        return [run for run in runs if any(tag.endswith(f":{project}") for tag in run["tags"])]

    def task_states(self, flow_run: dict[str, Any]) -> dict[str, str]:
        """stage -> the name of its task run's state; task runs reach the server as events, a moment late."""
        wanted = {"flow_runs": {"id": {"any_": [flow_run["id"]]}}}
        return {
            run["name"]: run["state_name"] for run in self.api.post("task_runs/filter", json=wanted).json()
        }

    def artifact(self) -> str:
        """The latest summary's markdown."""
        found = self.api.get("artifacts/retrain-summary/latest").json()
        return str(found["data"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    result = Server(f"http://127.0.0.1:{port}/api", home)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        process = subprocess.Popen(
            command, env=toy.environment(**result.environment), stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_until_healthy(result, process, home / "server.log")
            yield result
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _wait_until_healthy(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if server.api.get("health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"Prefect's server did not start: {log.read_text()[-2000:]}")
