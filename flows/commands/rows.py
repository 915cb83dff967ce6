"""`onetrunk rows`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command, positive


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which rows."""
    parser.add_argument("task", metavar="TASK", help="as in params.yaml")
    parser.add_argument("--id", metavar="ID", help="the row of this id")
    parser.add_argument(
        "--wrong", action="store_true", help="where it is wrong, the worst by the gate's metric first"
    )
    parser.add_argument("--limit", type=positive, default=10, metavar="N", help="rows; default: %(default)s")


def run(given: argparse.Namespace) -> int:
    """Show them."""
    from flows import rows

    return rows.run(Path.cwd(), given.task, given.id, given.wrong, given.limit)


COMMAND = Command(run, "test rows, what the model said of them, and the gold answer", arguments=arguments)
