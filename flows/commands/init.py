"""`onetrunk init`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command, anywhere


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where, and from what."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where; it must not be there yet")
    parser.add_argument(
        "--from",
        dest="start",
        default="built-in",
        metavar="START",
        help="an example, or empty; default: %(default)s",
    )


def run(given: argparse.Namespace) -> int:
    """Make the project."""
    from flows import init

    return init.run(given.folder, given.start)


COMMAND = Command(run, "make a project that uses this program", arguments=arguments, check=anywhere)
