"""A machine that retrains on schedule: a Prefect server and a worker, and whatever they start."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.data.sources.remotes.services import free_port
from tests.flows import prefect_server, toy


class Machine:
    """A server and a worker, and whatever they start."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}/api"
        home.mkdir()
        self.environment = toy.environment(
            **prefect_server.environment(self.url, home), PREFECT_WORKER_QUERY_SECONDS="1"
        )
        self.processes: list[subprocess.Popen[bytes]] = []

    def start_server(self) -> None:
        server, _ = prefect_server.start(self.home, self.port)
        self.processes.append(server)
        prefect_server.wait_until_healthy(self.url, server, self.home / "server.log")

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "onetrunk"]
        with (self.home / "worker.log").open("a") as log:
            worker = subprocess.Popen(
                command, cwd=self.home, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(worker)

    def prefect(self, project: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        done = subprocess.run(
            command, cwd=project, env=self.environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start_run(self, deployment: str) -> None:
        """Let the worker run it now."""
        wanted = {"deployments": {"name": {"any_": [deployment]}}}
        (found,) = self._post("deployments/filter", wanted).json()
        toy.wait_for(lambda: self._post(f"deployments/{found['id']}/create_flow_run", {}).is_success)

    def ended(self, flow: str, runs: int = 1, seconds: float = 300) -> list[str]:
        """How the runs of a flow have ended; waits until there are so many, and none goes on."""

        def states() -> list[str]:
            known = self._post("flow_runs/filter", {"flows": {"name": {"any_": [flow]}}}).json()
            found = [run["state_type"] for run in known]
            return [] if len(found) < runs or {"SCHEDULED", "PENDING", "RUNNING"} & {*found} else found

        return list(toy.wait_for(states, seconds))

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return httpx.post(f"{self.url}/{path}", json=body, timeout=120, trust_env=False)

    def lose_power(self) -> None:
        """kill -9 of the server, the worker, the run and its stages, none of which can say anything."""
        for process in self.processes:
            for one in (*psutil.Process(process.pid).children(recursive=True), process):
                one.send_signal(signal.SIGKILL)
            process.wait()
        self.processes.clear()
