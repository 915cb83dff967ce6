"""`onetrunk gc`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whether to do it."""
    parser.add_argument("--yes", action="store_true", help="free it; without, only say what would be freed")


def run(given: argparse.Namespace) -> int:
    """Say what would be freed, or free it."""
    from flows.releases import gc

    gc.run(Path.cwd(), given.yes)
    return 0


COMMAND = Command(
    run,
    "free disk that no release and no commit needs",
    "Say what would be freed: folders of releases that are in no stage (DVC has their bytes), and files of "
    "DVC's cache that no commit, branch, tag or file here names. What a release or a commit names always "
    "stays. Going back to a run that was neither released nor committed trains again afterwards.",
    arguments=arguments,
)
