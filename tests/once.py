"""What is dear and shared by all workers of a run: folders that are made once, servers that are started once."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

START = 300.0  # seconds that a server gets to start, on a busy machine


def _base(temporary: pytest.TempPathFactory) -> Path:
    """The run's folder; each worker of xdist has one of its own below it."""
    base = temporary.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextlib.contextmanager
def _locked(file: Path, how: int) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, how)  # the system drops it with a worker that dies
        yield


def made_once(temporary: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of this name, for all workers of the run, as `make` fills it."""
    base = _base(temporary)
    folder, done = base / name, base / f"{name}.done"
    with _locked(base / f"{name}.lock", fcntl.LOCK_EX):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


@contextlib.contextmanager
def served_once(temporary: pytest.TempPathFactory, serve: str) -> Iterator[tuple[str, Path]]:
    """Use the server that `serve` ("module:function") starts, with all workers of the run.

    The function is a context manager: it takes a folder and yields where the server is. The first worker
    that asks starts a process that holds the server until the last one has let go, or died.
    """
    folder = _base(temporary) / serve.replace(":", ".")
    folder.mkdir(exist_ok=True)
    with _locked(folder / "users", fcntl.LOCK_SH):
        with _locked(folder / "start", fcntl.LOCK_EX):
            if not (folder / "where").exists():
                _start(serve, folder)
        yield (folder / "where").read_text(), folder


def _start(serve: str, folder: Path) -> None:
    command = [sys.executable, "-m", "tests.once", serve, str(folder)]
    with (folder / "keeper.log").open("w") as log:
        keeper = subprocess.Popen(
            command, cwd=Path(__file__).parents[1], stdout=log, stderr=log, start_new_session=True
        )
    until = time.monotonic() + START
    while not (folder / "where").exists():
        if keeper.poll() is not None or time.monotonic() > until:
            pytest.fail(f"{serve} did not start: {(folder / 'keeper.log').read_text()[-3000:]}")
        time.sleep(0.1)


def _keep(serve: str, folder: Path) -> None:
    """Hold the server while anybody uses it; who comes while it stops waits, and starts another."""
    module, function = serve.split(":")
    with getattr(importlib.import_module(module), function)(folder) as where:
        (folder / "where.new").write_text(str(where))
        (folder / "where.new").rename(folder / "where")
        users = _locked(folder / "users", fcntl.LOCK_EX)
        users.__enter__()  # until this process ends
        (folder / "where").unlink()


if __name__ == "__main__":
    _keep(sys.argv[1], Path(sys.argv[2]))
