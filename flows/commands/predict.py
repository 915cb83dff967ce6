"""`onetrunk predict`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import EXIT_FAILED, UserError
from flows.commands.base import Command, with_releases

if TYPE_CHECKING:
    from components.families.base import Row


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which text, and which model."""
    parser.add_argument(
        "text", nargs="?", metavar="TEXT", help="a text, or a JSON object with a task's inputs"
    )
    parser.add_argument("--pair", metavar="TEXT", help="the second text, for tasks about a pair")
    parser.add_argument(
        "--task", action="append", metavar="NAME", help="may be given again; default: every task that fits"
    )
    parser.add_argument(
        "--input",
        metavar="FILE",
        help="ask about each row of a .csv, .tsv, .jsonl or .parquet, here or at an address",
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where the answers go; the kind by the ending, as above"
    )
    parser.add_argument(
        "--column", action="append", type=_column, default=[], metavar="INPUT=NAME",
        help="the column of --input that holds an input of the tasks, e.g. text=body; may be given again",
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--candidate", action="store_true", help="ask the trained model that is not released")
    which.add_argument("--bento", type=Path, metavar="PATH", help="ask a Bento's folder")
    which.add_argument("--url", help="ask a running service instead, e.g. http://127.0.0.1:3000")


def run(given: argparse.Namespace) -> int:
    """Ask, and show the answer."""
    from flows import champion

    if given.input is not None:
        return _answer_file(given)
    request = {"texts": [_item(given.text, given.pair)], "tasks": given.task}
    url = given.url
    answers = champion.ask_service(url, request) if url else champion.ask(_bundle(given), request)
    champion.show(answers)
    return 0


def check(given: argparse.Namespace) -> None:
    """A text, or a file in and a file out; a running service may be asked from anywhere."""
    if (given.text is None) == (given.input is None):
        raise UserError("predict: expected a TEXT, or a file: --input FILE --output FILE")
    if (given.input is None) != (given.output is None):
        raise UserError("predict: --input and --output go together")
    if "" in (given.input, given.output):
        raise UserError("predict: found an empty name of a file after --input or --output")
    if given.input is not None and (given.url or given.pair):
        raise UserError(f"predict: --{'url' if given.url else 'pair'} is for one TEXT, not for a file")
    if given.column and given.input is None:
        raise UserError("predict: --column says where --input has what the tasks read, and there is none")
    if len(dict(given.column)) < len(given.column):
        raise UserError("predict: --column says twice where one input stands; leave one out")
    if not given.url:
        with_releases(given)


def _answer_file(given: argparse.Namespace) -> int:
    """Answer every row; 1 where some could not be."""
    from components.environment import quiet

    quiet()
    bundle = _bundle(given)

    from flows.predicting import file

    rows, unreadable = file.run(Path.cwd(), bundle, given.input, given.output, given.task, dict(given.column))
    said = f"; {unreadable:,} of them could not be answered, see `error` there" if unreadable else ""
    print(f"{given.output}: {rows:,} rows{said}")
    return EXIT_FAILED if unreadable else 0


def _column(text: str) -> tuple[str, str]:
    name, _, column = text.partition("=")
    if not name or not column:
        raise argparse.ArgumentTypeError(f"found '{text}', expected INPUT=NAME, e.g. text=body")
    return name, column


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


COMMAND = Command(
    run,
    "ask the champion about a text, or about every row of a file",
    "Ask the champion about a text, or about every row of a file (docs/how-to/predict-files.md): rows and "
    "answers go into another file. A row that cannot be answered is kept with its reason, and the command "
    "ends with 1. After an interruption the same command goes on where it was.",
    arguments=arguments,
    check=check,
)
