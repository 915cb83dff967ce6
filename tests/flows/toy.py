"""A synthetic project: real git, real DVC, stages of one line that say when they ran."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
python = sys.executable  # or one that forks: tests/flows/conftest.py

WORK = '''
"""work.py STAGE OUT [SECONDS]: note the start, do as orders/STAGE says, write OUT, note the end.

Where there is orders/STAGE.until, wait first until the log of events holds what it says.
"""
import pathlib, sys, time

stage, out = sys.argv[1], pathlib.Path(sys.argv[2])
seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0


def note(what):
    with open("events.log", "a") as file:
        file.write(f"{stage} {what} {time.time()}\\n")


note("start")
time.sleep(seconds)
until = pathlib.Path("orders") / f"{stage}.until"
while until.exists() and until.read_text() not in pathlib.Path("events.log").read_text():
    time.sleep(0.05)
orders = pathlib.Path("orders") / stage
if orders.exists():
    codes = orders.read_text().split()
    orders.write_text(" ".join(codes[1:]))
    if codes and codes[0] != "0":
        print(f"error: {stage} was told to fail", file=sys.stderr)
        sys.exit(int(codes[0]))
out.parent.mkdir(parents=True, exist_ok=True)
out.write_text(f"{stage}\\n" + pathlib.Path("input.txt").read_text())
note("end")
'''

DVC = """
stages:
  fetch:
    foreach: [left, right]
    do:
      cmd: python work.py fetch@${item} made/${item} 0.2
      deps: [work.py, input.txt]
      outs:
        - made/${item}
  plan:
    cmd: python work.py plan checked.txt
    deps: [made]
    outs: [checked.txt]
  side:
    cmd: python work.py side side.txt
    deps: [made/left]
    outs: [side.txt]
  train:
    cmd: python work.py train model.txt
    deps: [checked.txt, made/right]
    outs: [model.txt]
"""

CHAIN = """
stages:
  plan:
    cmd: python work.py plan checked.txt 0.2
    deps: [work.py, input.txt]
    outs: [checked.txt]
  train:
    cmd: python work.py train model.txt
    deps: [checked.txt]
    outs: [model.txt]
"""  # for what does not depend on which stages there are: each costs a second


def make(folder: Path, dvc: str = DVC) -> Path:
    """Write a project with this dvc.yaml and the repository's own params.yaml."""
    shutil.copytree(_repository().name, folder)
    shutil.copy(CHECKOUT / "params.yaml", folder)
    (folder / "dvc.yaml").write_text(dvc)
    (folder / "work.py").write_text(WORK)
    (folder / "input.txt").write_text("one\n")
    (folder / "orders").mkdir()
    (folder / ".gitignore").write_text("/made\n/*.txt\n/orders\n/events.log\n/reports\n.onetrunk/\n")
    return folder


@functools.cache
def _repository() -> tempfile.TemporaryDirectory[str]:
    """Git and DVC in an empty folder, of which a project needs only a copy."""
    from dvc.repo import Repo

    folder = tempfile.TemporaryDirectory(prefix="onetrunk-toy-")
    subprocess.run(["git", "init", "-q"], cwd=folder.name, check=True, env=environment())
    with contextlib.redirect_stdout(None):
        Repo.init(folder.name).close()
    return folder


def environment(**extra: str) -> dict[str, str]:
    """For a process in a toy project that imports this checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    quiet = {"DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    modules = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, **quiet, "PATH": path, "PYTHONPATH": modules, **extra}


def onetrunk(project: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in the project."""
    command = [python, "-m", "flows.cli", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment(**extra), capture_output=True, text=True, timeout=300
    )


def dvc(project: Path, *arguments: str) -> None:
    """Run DVC in the project; it must end well."""
    done = subprocess.run(
        [python, "-m", "dvc", *arguments],
        cwd=project,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def events(project: Path) -> list[tuple[str, str, float]]:
    """(stage, "start" or "end", when) in the order in which they happened."""
    log = project / "events.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return [(stage, what, float(when)) for stage, what, when in (line.split() for line in lines)]


def wait_for(condition: Callable[[], Any], seconds: float = 180) -> Any:
    """What the condition has come to; it is looked at less and less often, for it may ask a server."""
    began, pause = time.monotonic(), 0.05
    while not (result := condition()):
        assert time.monotonic() < began + seconds, "waited in vain"
        time.sleep(pause)
        pause = min(0.5, pause * 1.25)
    return result
