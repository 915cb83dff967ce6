"""`onetrunk replay`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which verdict."""
    parser.add_argument(
        "verdict",
        nargs="?",
        type=Path,
        default=Path("reports/verdict.json"),
        metavar="VERDICT",
        help="a verdict's file, with its evaluation.json beside it; default: %(default)s",
    )


def run(given: argparse.Namespace) -> int:
    """Make it again, and say whether it comes out the same."""
    from flows import replay

    return replay.run(given.verdict)


COMMAND = Command(
    run,
    "make a verdict again from its evidence, and say whether they agree",
    "Make a verdict again from the evidence beside it and the settings that it names. It ends with 0 where "
    "it comes out the same, and with 2 where anything differs, which is named. What that shows and what it "
    "does not: docs/explanation/gate.md.",
    arguments,
)
