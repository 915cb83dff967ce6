"""`onetrunk new-task`."""

from __future__ import annotations

import argparse

from flows.commands.base import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which data, and what is known of them."""
    parser.add_argument("data", metavar="FILE_OR_ADDRESS", help="a file, a folder, or e.g. s3://bucket/key")
    parser.add_argument("--name", help="of the task; default: after the file")
    parser.add_argument("--family", help="instead of the guessed one")
    parser.add_argument("--column", action="append", default=[], metavar="ROLE=NAME", help="e.g. text=body")
    parser.add_argument(
        "--joint", action="append", default=[], metavar="NAME", help="a column that a further head learns"
    )
    parser.add_argument(
        "--decimal", choices=[".", ","], help="the decimal sign, of numbers that can be read in two ways"
    )
    parser.add_argument("--format", help="of a file that can be read in two ways")
    parser.add_argument("--write", action="store_true", help="write the task into params.yaml")


def run(given: argparse.Namespace) -> int:
    """Propose the task."""
    from flows import new_task

    wishes = new_task.wishes_of(
        given.name, given.family, given.column, given.joint, given.decimal, given.format
    )
    return new_task.run(given.data, wishes, given.write)


COMMAND = Command(run, "look at data and propose the task for params.yaml", arguments=arguments)
