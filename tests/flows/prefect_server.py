"""A real Prefect server on a free port of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.data.sources.remotes.services import free_port
from tests.flows import toy

DATABASE, BLOCKS = "prefect.db", "memo_store.toml"  # which block types the database has
NEW = "new"  # a folder in the shared server's home


def environment(url: str, home: Path) -> dict[str, str]:
    """What a run needs to talk to the server."""
    return {
        "PREFECT_API_URL": url,
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # on a busy machine SQLite is locked for longer than its 10
        "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
    }


def start(home: Path, port: int, **extra: str) -> tuple[subprocess.Popen[bytes], str]:
    """The server's process, and the address of its API; another start in the same folder goes on there."""
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("a") as log:
        process = subprocess.Popen(
            command,
            env=toy.environment(**environment(url, home), **extra),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return process, url


@contextlib.contextmanager
def prefect(home: Path) -> Iterator[str]:
    """The address of its API."""
    process, url = start(home, free_port())
    try:
        wait_until_healthy(url, process, home / "server.log")
        _keep_new(home)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:  # nobody needs what it still writes
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _keep_new(home: Path) -> None:
    """Copy what a first start leaves: to make it takes the processor longer than all else that a start does."""
    new = home / NEW
    if not new.exists():
        new.mkdir()
        shutil.copy(home / BLOCKS, new)
        with (
            contextlib.closing(sqlite3.connect(home / DATABASE)) as made,
            contextlib.closing(sqlite3.connect(new / DATABASE)) as copy,
        ):
            made.backup(copy)


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"Prefect's server did not start: {log.read_text()[-2000:]}")
