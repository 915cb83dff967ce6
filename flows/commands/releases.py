"""`onetrunk releases`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command, positive, with_releases


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many, and in which form."""
    parser.add_argument(
        "--limit", type=positive, default=20, metavar="N", help="the newest; default: %(default)s"
    )
    parser.add_argument("--all", action="store_true", help="every release there is")
    parser.add_argument("--json", action="store_true", help="all that is known of them, as one JSON list")


def run(given: argparse.Namespace) -> int:
    """Show them."""
    from flows.releases import table

    table.show(Path.cwd(), None if given.all or given.json else given.limit, given.json)
    return 0


COMMAND = Command(
    run,
    "every release: when, on which verdict, how good, and which is the champion",
    "Show the releases, the newest first: version, time, verdict, each task by its gate's metric with its "
    "difference to the champion of then, and the stages: champion, previous (where a rollback goes to), "
    "anchor (what a slow decay is measured from), rolled back; and what its last shadow or canary came to.",
    arguments=arguments,
    check=with_releases,
)
