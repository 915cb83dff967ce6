"""Runs of a project that can be killed, the server they talk to, and what they leave behind."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.toy_pipeline import environment
from components.release.git import Git

UNCOMPARED = {".git", ".dvc", ".onetrunk", "__pycache__"}  # not what a run makes
BUSY = ("PREFECT_SERVER_DATABASE_TIMEOUT", "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT")  # a busy machine
GONE_SECONDS = 60.0  # a server's last worker may take a moment, on a busy machine more
ENDS_SECONDS = 300.0


@contextmanager
def server(home: Path) -> Iterator[None]:
    """One Prefect server for all runs, so that a run takes seconds; its address is in the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= {"PREFECT_HOME": str(home), "PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    os.environ |= dict.fromkeys(BUSY, "60")
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_healthy(os.environ["PREFECT_API_URL"], process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("Prefect's server did not start")


class Run:
    """`onetrunk run` in a project, by this Python, in a session of its own."""

    def __init__(self, project: Path, log: Path, python: str = sys.executable) -> None:
        self.log = log
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [python, "-m", "flows.cli", "run"], cwd=project, env=environment(),
                stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip

    def kill(self, what: str, chance: random.Random) -> bool:
        """Send SIGKILL to "all" of its processes, the "run" alone or a process of a "stage" (of which
        there may be none: then to the run); was it alive?"""
        if self.process.poll() is not None:
            return False
        main = psutil.Process(self.process.pid)
        below = main.children(recursive=True)
        victims = {"all": [main, *below], "run": [main], "stage": [chance.choice(below or [main])]}
        for victim in victims[what]:
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait(ENDS_SECONDS)  # of a killed stage, the run itself ends in its own time
        return True

    def end(self) -> int:
        """Wait for it and return its exit code."""
        return self.process.wait(ENDS_SECONDS)


@contextmanager
def running(project: Path, log: Path, python: str = sys.executable) -> Iterator[Run]:
    """A run that has ended, or is killed, when the block ends."""
    run = Run(project, log, python)
    try:
        yield run
    finally:
        run.kill("all", random.Random())  # noqa: S311


def digest(project: Path) -> dict[str, str]:
    """File -> SHA-256 of all that a run makes and is made from, dvc.lock with it; tag -> object."""
    files = (path for path in project.rglob("*") if path.is_file())
    named = {path.relative_to(project): path for path in files}
    told = Git(project)("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    tags = dict(line.split() for line in told)
    return tags | {
        name.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in sorted(named.items())
        if not UNCOMPARED & set(name.parts)
    }


def left_alive(project: Path) -> list[psutil.Process]:
    """The processes that carry the project's mark after a moment."""
    deadline = time.monotonic() + GONE_SECONDS
    while found := [process for process in psutil.process_iter() if _carries(process, project)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return found


def _carries(process: psutil.Process, project: Path) -> bool:
    try:
        return bool(process.environ().get("ONETRUNK_RUN_OF") == str(project))
    except (psutil.Error, OSError):
        return False
