"""`onetrunk predict`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError
from flows.commands.base import Command, in_project

if TYPE_CHECKING:
    from components.families.base import Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which text, and which model."""
    parser.add_argument("text", metavar="TEXT", help="a text, or a JSON object with a task's inputs")
    parser.add_argument("--pair", metavar="TEXT", help="the second text, for tasks about a pair")
    parser.add_argument(
        "--task", action="append", metavar="NAME", help="may be given again; default: every task that fits"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--candidate", action="store_true", help="ask the trained model that is not released")
    which.add_argument("--bento", type=Path, metavar="PATH", help="ask a Bento's folder")
    which.add_argument("--url", help="ask a running service instead, e.g. http://127.0.0.1:3000")


def run(given: argparse.Namespace) -> int:
    """Ask, and show the answer."""
    from flows import champion

    request = {"texts": [_item(given.text, given.pair)], "tasks": given.task}
    url = given.url
    answers = champion.ask_service(url, request) if url else champion.ask(_bundle(given), request)
    champion.show(answers)
    return 0


def check(given: argparse.Namespace) -> None:
    """A running service may be asked from anywhere."""
    if not given.url:
        in_project(given)


def _bundle(given: argparse.Namespace) -> Path:
    """The folder of the model that is asked; that it is not the champion is said beside the answer."""
    from flows import champion

    root = Path.cwd()
    if given.candidate:
        print("asked the model in models/multitask, which the gate has not released", file=sys.stderr)
        return champion.candidate(root)
    return champion.bundle(given.bento or champion.find(root))


def _item(text: str, pair: str | None) -> Row:
    """What the tasks read: `text` and `text_pair`, or the object that TEXT is as JSON."""
    if not text.lstrip().startswith("{"):
        return {"text": text, "text_pair": pair} if pair is not None else {"text": text}
    try:
        item: Row = json.loads(text)
    except ValueError as error:
        raise UserError(f"TEXT begins with a brace but is not JSON ({error})") from None
    return item


COMMAND = Command(run, "ask the champion about a text", arguments=arguments, check=check)
