"""`onetrunk rollback`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command, one_line, with_releases


def arguments(parser: argparse.ArgumentParser) -> None:
    """To which, and why."""
    parser.add_argument("--to", metavar="VERSION", help="e.g. v1.0.0; default: the champion before this one")
    parser.add_argument(
        "--reason", type=one_line, default="", help="for those who read `onetrunk releases` later"
    )


def run(given: argparse.Namespace) -> int:
    """Make an earlier release the champion."""
    from flows.releases import change

    change.roll_back(Path.cwd(), given.to, given.reason)
    return 0


COMMAND = Command(
    run,
    "go back to the release before the champion",
    "Make an earlier release the champion again, after every byte of it was checked. `serve`, `predict`, "
    "`monitor` and the next run's comparison know at once, and no run promotes the model that was rolled "
    "back again by itself.",
    arguments=arguments,
    check=with_releases,
)
