"""Which Prefect server a run talks to: the one of PREFECT_API_URL, else one of its own.

Prefect reads its settings when it is imported, so `configure` comes before that.
"""

from __future__ import annotations

import os
from pathlib import Path

from components.environment import quiet
from flows.exclusive import MARK, WORKSPACE


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
