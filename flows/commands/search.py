"""`onetrunk search`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command, positive


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which search, and how long."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="as in params.yaml, or static, the preset")
    parser.add_argument("--trials", type=positive, metavar="N", help="instead of the declared number")
    parser.add_argument("--apply", action="store_true", help="write the best trial so far into params.yaml")


def run(given: argparse.Namespace) -> int:
    """Settle what is asked before anything heavy is imported or the process starts again, tuned to train."""
    from components import params
    from components.environment import restart_tuned
    from components.search import presets

    project = params.load()
    name, declared = presets.find(project, given.name)
    if given.trials is not None:
        declared = declared.model_copy(update={"trials": given.trials})
    restart_tuned()

    from flows import search

    return (search.apply if given.apply else search.run)(Path.cwd(), project, name, declared)


COMMAND = Command(run, "try other settings, and find the best on validation rows", arguments=arguments)
