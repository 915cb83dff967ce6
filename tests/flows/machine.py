"""A machine that retrains on schedule: a database, a Prefect server and a worker, and whatever they start."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.data.sources.remotes.services import PASSWORD, USER, Postgres, free_port, quoted
from tests.flows import prefect_server, toy

ENGINE = "import runpy; runpy.run_module('prefect.engine', run_name='__main__')\n"
HEARS = "Reactive triggers started"  # in the server's log: an event of before starts nothing


def engine(folder: Path, python: str) -> str:
    """The command by which a worker starts runs that this Python forks (tests/forked.py), and that nobody kills."""
    (folder / "engine.py").write_text(ENGINE)
    return f"{python} {folder / 'engine.py'}"


class Machine:
    """A server and a worker, and whatever they start; the database is SQLite, or this one."""

    def __init__(self, home: Path, database: Postgres | None = None) -> None:
        self.home, self.port, self.database = home, free_port(), database
        self.url = f"http://127.0.0.1:{self.port}/api"
        home.mkdir(exist_ok=True)
        self.environment = toy.environment(
            **prefect_server.environment(self.url, home), PREFECT_WORKER_QUERY_SECONDS="1"
        )
        self.server_environment = {"PREFECT_LOGGING_SERVER_LEVEL": "DEBUG"}  # which says that it is ready
        self.server_starts = 0
        if database:
            who = f"{USER}:{quoted(PASSWORD)}"
            where = f"postgresql+asyncpg://{who}@127.0.0.1:{database.port}/postgres"
            self.server_environment["PREFECT_API_DATABASE_CONNECTION_URL"] = where
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start_database(self) -> None:
        if self.database and "database" not in self.processes:
            self.processes["database"] = self.database.start()

    def change(self, statement: str) -> None:
        """What the database holds."""
        assert self.database
        with self.database.connect() as connection:
            connection.execute(statement)

    def end(self, name: str) -> None:
        """kill -9 of the database, the server or the worker, and of what it has started."""
        process = self.processes.pop(name)
        below = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for one in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()

    def start_server(self) -> None:
        self.start_database()
        server, _ = prefect_server.start(self.home, self.port, **self.server_environment)
        self.processes["server"] = server
        log = self.home / "server.log"
        prefect_server.wait_until_healthy(self.url, server, log)
        self.server_starts += 1
        toy.wait_for(lambda: log.read_text().count(HEARS) == self.server_starts)

    def start_worker(self, *extra: str) -> None:
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "onetrunk", *extra]
        with (self.home / "worker.log").open("a") as log:
            worker = subprocess.Popen(
                command, cwd=self.home, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes["worker"] = worker

    def has_pool(self) -> bool:
        return bool(self._post("work_pools/filter", {}).json())

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
        """kill -9 of all of it, the run and its stages too, none of which can say anything."""
        for name in [*self.processes]:
            self.end(name)
