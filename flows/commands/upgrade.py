"""`onetrunk upgrade`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from flows.commands.base import Command, in_project


def run(given: argparse.Namespace) -> int:
    """Bring dvc.yaml to the program's pipeline."""
    from flows import upgrade

    return upgrade.run(Path.cwd())


COMMAND = Command(
    run,
    "bring the project to another version of the program, and say what would run again",
    "After another version of the program was installed: bring dvc.yaml to its pipeline, take the releases "
    "of an earlier version over into git and DVC, and say which stages the next run would run again and "
    "which changed files are the reason. Runs nothing.",
    check=partial(in_project, whatever_its_version=True),
)
