"""`onetrunk monitor`."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.errors import UserError
from flows.commands.base import Command


def run(given: argparse.Namespace) -> int:
    """Say what is wrong before Prefect's server starts; then run the flow."""
    from components import params
    from components.params.checks.monitor import find
    from flows import champion
    from flows.running import prefect_server

    root = Path.cwd()
    find(params.load())
    champion.find(root)
    prefect_server.configure(root)
    prefect_server.start()

    from flows.monitor import REFUSED, monitor

    state = monitor(return_state=True)
    if state.name == REFUSED:
        raise UserError(str(state.message))
    state.result()
    return 0


COMMAND = Command(
    run,
    "score new articles, and raise an event where negative news surges",
    "Score the articles that have come since the last time with the champion, and raise an event where "
    "negative news on a topic surges (docs/how-to/monitoring.md).",
)
