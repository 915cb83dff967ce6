"""`onetrunk feedback`."""

from __future__ import annotations

import argparse
from pathlib import Path

from components.errors import UserError
from flows.commands.base import Command, in_project, positive

ACTIONS = ("show", "accept", "reject", "candidates", "import")
WITH_FILE = ("candidates", "import")
TOOLS = ("label_studio", "doccano")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What is done, and with what."""
    parser.add_argument(
        "action", nargs="?", choices=ACTIONS, default="show", metavar="ACTION", help=", ".join(ACTIONS)
    )
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="of candidates and import")
    parser.add_argument(
        "--task", action="append", default=[], metavar="NAME", help="of this task alone; may be given again"
    )
    parser.add_argument(
        "--id", action="append", default=[], metavar="ID", dest="ids",
        help="accept, reject: this one, by its own id or that of its prediction; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--new", action="store_true", help="accept: also what has a label that the data do not have"
    )
    parser.add_argument("--all", action="store_true", help="reject: all that waits")
    parser.add_argument(
        "--format", choices=TOOLS, metavar="TOOL",
        help=f"candidates, import: {' or '.join(TOOLS)}; default: {TOOLS[0]}, or what the file looks like",
    )  # fmt: skip
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="how many are shown, 10; or are candidates, 100"
    )


def check(given: argparse.Namespace) -> None:
    """Refuse what says too little or too much."""
    in_project(given)
    action = given.action
    if (given.file is not None) != (action in WITH_FILE):
        raise UserError(f"feedback {action}: expected {'a' if action in WITH_FILE else 'no'} FILE")
    if action in WITH_FILE and len(given.task) != 1:
        raise UserError(f"feedback {action}: found {len(given.task)} tasks, expected one: --task NAME")
    for name, of in (("ids", ("accept", "reject")), ("new", ("accept",)), ("all", ("reject",))):
        if getattr(given, name) and action not in of:
            raise UserError(f"feedback {action}: --{name.removesuffix('s')} is for {' and '.join(of)}")
    if action == "reject" and not (given.ids or given.task or given.all):
        raise UserError("feedback reject: of what? name it by --id or --task, or say --all")


def run(given: argparse.Namespace) -> int:
    """Do it."""
    from flows import feedback

    root = Path.cwd()
    if given.action == "accept":
        return feedback.accept(root, given.task, given.ids, given.new)
    if given.action == "reject":
        return feedback.reject(root, given.task, given.ids)
    if given.action == "candidates":
        return feedback.export(root, given.task[0], given.file, given.format or TOOLS[0], given.limit or 100)
    if given.action == "import":
        return feedback.bring(root, given.task[0], given.file, given.format)
    return feedback.show(root, given.task, given.limit or 10)


COMMAND = Command(
    run,
    "right answers that the service was sent: look at them, make rows of them",
    "Show the right answers that the service was sent (docs/how-to/feedback.md); accept them, so that the "
    "next run trains on them, or reject them. `candidates` writes the texts whose label would teach most for "
    "Label Studio or doccano, and `import` takes in what these export.",
    arguments=arguments,
    check=check,
)
