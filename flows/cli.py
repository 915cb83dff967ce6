"""`onetrunk`: the pipeline for people. What each command does stands in `flows/commands`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from components.environment import collect_seldom, restart_in_utf8
from components.errors import (
    EXIT_INTERRUPTED,
    EXIT_TRY_AGAIN,
    EXIT_USER_ERROR,
    TryAgainError,
    UserError,
    disk_sentence,
    near_miss,
)
from flows.commands import commands

# A project has no pages of its own: who has only that should not look for them there.
PAGES = (
    "The pages that help and messages name (docs/...) are in Onetrunk's repository; a project of your own "
    "has none."
)


class Parser(argparse.ArgumentParser):
    """Says what argparse says in one sentence, and names the nearest command for an unknown one."""

    def error(self, message: str) -> NoReturn:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction) and "invalid choice: '" in message:
                found = message.split("'")[1]
                known = ", ".join(action.choices)
                message = (
                    f"unknown command '{found}'{near_miss(found, action.choices)}; expected one of {known}"
                )
        print(f"error: {message}", file=sys.stderr)
        sys.exit(EXIT_USER_ERROR)


def parser() -> Parser:
    """The command line."""
    result = Parser(
        prog="onetrunk",
        description="One model for many text tasks: train, gate, package, serve.",
        epilog=PAGES,
    )
    result.add_argument("--version", action="version", version=f"onetrunk {version('onetrunk')}")
    words = result.add_subparsers(dest="command", metavar="COMMAND")
    for name, command in commands().items():
        command.arguments(words.add_parser(name, help=command.help, description=command.about))
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit 2 with one sentence for a user's mistake, 1 for a run that failed."""
    _open_streams()
    if arguments is None:  # the program itself, not somebody who calls it
        restart_in_utf8()
        collect_seldom()
    own = parser()
    given = own.parse_args(arguments)
    if given.command is None:
        own.print_help()
        sys.exit(EXIT_USER_ERROR)
    sys.exit(_exit_code(given))


def _exit_code(given: argparse.Namespace) -> int:
    """Run the command that was given; what it came to."""
    command = commands()[given.command]
    try:
        command.check(given)
        return command.run(given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except TryAgainError as error:
        print(f"error: {error}; give the same command again", file=sys.stderr)
        return EXIT_TRY_AGAIN
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return EXIT_INTERRUPTED
    except Exception as error:
        sentence = disk_sentence(error)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        return EXIT_USER_ERROR


def _open_streams() -> None:
    """Let standard streams that are closed lead nowhere, or the next opened file would take their number; and
    print what a terminal cannot show as question marks."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


if __name__ == "__main__":
    main()
