"""The toy project's graph, and its commands in a process of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from flows.running.lock import MARK
from tests.flows import toy

DVC = """
stages:
  first:
    cmd: python work.py first made/first
    deps: [work.py, input.txt]
    outs: [made/first]
"""  # one stage, for each costs a second
STAGES = {"first"}
SHELL = ["bash", "-c", 'set -e; eval "$0"; exec "$@"']  # then a command of the shell, and what runs after it


class Ended:
    """How a command of a project ended."""

    def __init__(self, done: subprocess.CompletedProcess[str], seconds: float, project: Path) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.seconds = seconds
        self.ran = {stage for stage, what, _ in toy.events(project) if what == "end"}
        self.left = [process.pid for process in psutil.process_iter() if _is_of(process, project)]


def _is_of(process: psutil.Process, project: Path) -> bool:
    try:
        return bool(process.environ().get(MARK) == str(project))
    except (psutil.Error, OSError):
        return False


def onetrunk(
    project: Path, *arguments: str, shell: str = "true", wrapper: tuple[str, ...] = (), **extra: str | None
) -> Ended:
    """Run the command line after a command of the shell; an extra variable that is None is unset."""
    environment = toy.environment(**{name: value for name, value in extra.items() if value is not None})
    for name in (name for name, value in extra.items() if value is None):
        environment.pop(name, None)
    command = [*wrapper, *SHELL[:2], SHELL[2], shell, sys.executable, "-m", "flows.cli", *arguments]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=300
    )
    return Ended(done, time.monotonic() - began, project)


def require(*command: str) -> None:
    """Skip the test where the system does not allow what it needs."""
    if shutil.which(command[0]) is None or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip(f"`{' '.join(command)}` is not allowed here")
