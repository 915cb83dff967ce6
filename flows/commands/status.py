"""`onetrunk status`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command


def run(given: argparse.Namespace) -> int:
    """Say where the project stands."""
    from flows import status

    status.show(Path.cwd())
    return 0


COMMAND = Command(
    run,
    "which stages are up to date, the last run and verdict, the champion",
    "Say what would run and why, how and when the last run ended, what the gate said of the model that "
    "is here, and which release is the champion. Starts nothing.",
)
