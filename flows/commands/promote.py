"""`onetrunk promote`."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.errors import UserError
from flows.commands.base import Command, in_project, one_line, with_releases


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which release; or the model that is here, against the gate."""
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="of a release, e.g. v1.0.1; without it, the model here"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="release the model that is here, though the gate did not say PROMOTE",
    )
    parser.add_argument(
        "--reason", type=one_line, default="", help="why; it is shown wherever the release is"
    )


def check(given: argparse.Namespace) -> None:
    """Refuse what says too little or too much."""
    (in_project if given.force else with_releases)(given)
    if given.version is None and not given.force:
        raise UserError(
            "promote: which release? name its version (`onetrunk releases`); the model that is here is "
            "released by `onetrunk run`, or against the gate with --force --reason WHY"
        )
    if given.force and given.version is not None:
        raise UserError("promote: a VERSION has been released before, so it needs no --force")
    if given.force and not given.reason:
        raise UserError("promote: --force needs a --reason, which is shown wherever the release is")


def run(given: argparse.Namespace) -> int:
    """Make it the champion."""
    from flows.releases import change

    if given.force:
        change.force(Path.cwd(), given.reason)
    else:
        change.promote(Path.cwd(), given.version, given.reason)
    return 0


COMMAND = Command(
    run,
    "make a release the champion; or, by force, the model that the gate held back",
    "Make a release the champion, one that was rolled back among them. With --force --reason WHY the model "
    "that is here is packaged, asked and released whatever the verdict on it says; verdict and reason "
    "stand in the release, its card and `onetrunk status` from then on.",
    arguments=arguments,
    check=check,
)
