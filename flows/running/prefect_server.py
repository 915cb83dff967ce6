"""Which Prefect server a run talks to: the one of PREFECT_API_URL, else one of its own.

Prefect reads its settings when it is imported, so `configure` comes before that.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
from pathlib import Path

from components.environment import quiet
from flows.running.lock import MARK, WORKSPACE


def configure(root: Path) -> None:
    """Set Prefect's environment for a run from the command line; what the user has set stays."""
    quiet()
    defaults = {
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # ours is the terminal; the server has the logs
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
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
    os.environ[MARK] = str(root)  # a server outlives a killed run, and must be found


def start() -> None:
    """Start the run's own server, if it is to have one, where no signal but SIGKILL reaches it.

    Ctrl-C, `timeout` and a service manager signal all processes of a run at once, and Prefect still tells
    the server how the run has ended: without one, it waits for minutes. What a thread does not hear, the
    processes that it starts do not hear either.
    """
    if "PREFECT_API_URL" not in os.environ:
        thread = threading.Thread(target=_start_unheard, daemon=True)
        thread.start()
        thread.join()


def _start_unheard() -> None:
    from prefect.server.api.server import SubprocessASGIServer

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    server = SubprocessASGIServer()
    with contextlib.suppress(RuntimeError):  # Prefect's client tries again, and says what is wrong
        server.start()
        if server.server_process:
            atexit.register(server.server_process.kill)  # before Prefect's own way, which it does not hear
