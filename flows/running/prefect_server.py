"""Which Prefect server a run talks to: the one of PREFECT_API_URL, else one of its own.

Prefect reads its settings when it is imported, so `configure` comes before that.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from components.environment import quiet
from components.errors import EXIT_FAILED
from flows.running.lock import MARK, WORKSPACE

PATIENCE = 5  # seconds, with a server that refuses
PATIENCE_AT_END = 20  # seconds that Prefect gets to tell its server how a run has ended


def configure(root: Path) -> None:
    """Set Prefect's environment for a run from the command line; what the user has set stays."""
    quiet()
    defaults = {
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # ours is the terminal; the server has the logs
        "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",  # on a busy machine SQLite is locked for longer than its 10
        "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "60",
    }
    if "PREFECT_API_URL" not in os.environ:
        defaults |= {
            "PREFECT_HOME": str(root / WORKSPACE / "prefect"),
            "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # the first start makes its database
            "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",  # its shutdown logs harmless tracebacks
        }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    logging.raiseExceptions = False  # a log that the server cannot take is no news on the terminal
    os.environ[MARK] = str(root)  # a server outlives a killed run, and must be found


def start() -> str:
    """Start the run's own server, if it is to have one, where no signal but SIGKILL reaches it.

    Ctrl-C, `timeout` and a service manager signal all processes of a run at once, and Prefect still tells
    the server how the run has ended: without one, it waits for minutes. What a thread does not hear, the
    processes that it starts do not hear either.

    Returns:
        The address of the server's API.
    """
    if "PREFECT_API_URL" in os.environ:
        return os.environ["PREFECT_API_URL"]
    started: list[str] = []
    thread = threading.Thread(target=_start_unheard, args=(started,), daemon=True)
    thread.start()
    thread.join()
    return started[0]


def _start_unheard(started: list[str]) -> None:
    from prefect.server.api.server import SubprocessASGIServer

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    server = SubprocessASGIServer()
    with contextlib.suppress(RuntimeError):  # Prefect's client tries again, and says what is wrong
        server.start()
        if server.server_process:
            atexit.register(server.server_process.kill)  # before Prefect's own way, which it does not hear
    started.append(server.api_url)


Record = Callable[[], Mapping[str, Any] | None]


@contextlib.contextmanager
def outlived(url: str, record: Record, show: Callable[[], int | None]) -> Iterator[None]:
    """While the block lasts, let the run outlive its server.

    Stages need no server; only Prefect at the end of a run does, and would wait for it for minutes. So
    when the run has ended (`record`) and the block has not after a while, `show` is called and this
    process ends with its exit code. A run that has not begun cannot without a server: it ends with 1.
    """
    over = threading.Event()
    threading.Thread(target=_outlive, args=(url, record, show, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _outlive(url: str, record: Record, show: Callable[[], int | None], over: threading.Event) -> None:
    refused = ended = 0
    while ended < PATIENCE_AT_END and not over.wait(1):
        now = record()
        if now is not None and now["state"] != "running":
            ended += PATIENCE if refused >= PATIENCE else 1
        refused = refused + 1 if refused >= PATIENCE or _refuses(url) else 0
        if refused == PATIENCE:
            logging.disable()  # Prefect's threads complain of it at length
            print(f"note: Prefect's server at {url} is gone; the stages go on without it", file=sys.stderr)
        if refused >= PATIENCE and now is None:
            print("error: the run has not begun; give the same command again", file=sys.stderr)
            os._exit(EXIT_FAILED)
    if not over.is_set():
        code = show()
        sys.stdout.flush()
        os._exit(EXIT_FAILED if code is None else code)


def sentence_of(error: Exception) -> str | None:
    """The one sentence for an error of the server's; None for any other."""
    import httpx

    if isinstance(error, httpx.HTTPError) or "Failed to reach API" in str(error):
        reason = " ".join(str(error).split(" - ")[0].split())
        return f"Prefect's server did not do its part ({reason}); give the same command again"
    return None


def _refuses(url: str) -> bool:
    """Tell whether nobody listens at `url`; a server that is only slow does."""
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=5).close()
    except TimeoutError:
        return False
    except OSError:
        return True
    return False
