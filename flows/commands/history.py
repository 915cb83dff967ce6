"""`onetrunk history`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """In what form."""
    parser.add_argument("--json", action="store_true", help="all that are remembered, as one JSON list")


def run(given: argparse.Namespace) -> int:
    """Show the last runs."""
    from flows import history

    history.show(Path.cwd(), given.json)
    return 0


COMMAND = Command(run, "the last runs: when, how long, what they came to", arguments=arguments)
