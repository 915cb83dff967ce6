"""`onetrunk reproduce`."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.errors import EXIT_FAILED
from flows.commands.base import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which release, and where."""
    parser.add_argument("version", metavar="VERSION", help="of a release, e.g. v1.0.0")
    parser.add_argument(
        "--into", type=Path, metavar="FOLDER", help="keep it there; default: a folder that is removed"
    )


def run(given: argparse.Namespace) -> int:
    """Make it again."""
    from flows.releases import reproduce

    return 0 if reproduce.run(Path.cwd(), given.version, given.into) else EXIT_FAILED


COMMAND = Command(
    run,
    "make a release again beside the project, and compare every hash",
    "Clone the repository beside the project as it was when the release was made, bring its downloads from "
    "DVC's cache or remote, run every stage again, and compare the hashes of all outputs with those of the "
    "release. It ends with 0 where all are the same, with 1 where one differs. Takes as long as the run "
    "did.",
    arguments=arguments,
)
