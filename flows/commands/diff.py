"""`onetrunk diff`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which two."""
    parser.add_argument("first", metavar="A", help="a version, e.g. v1.0.0")
    parser.add_argument("second", metavar="B", help="another one")


def run(given: argparse.Namespace) -> int:
    """Show what changed from one to the other."""
    from flows.releases import compare

    compare.show(Path.cwd(), given.first, given.second)
    return 0


COMMAND = Command(
    run,
    "what changed from one release to another: settings, rows, metrics",
    "Show what changed from release A to release B: the settings of params.yaml, the rows that came and went "
    "in each split of each task, and each task by its gate's metric; and what became of either in traffic.",
    arguments=arguments,
)
