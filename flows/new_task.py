"""`onetrunk new-task`: what was understood of the data, and the entry for params.yaml."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from components import advice, params
from components.data.propose import Choice, Guess, Question, Wishes, guess
from components.data.propose.entry import flow
from components.data.propose.write import write
from components.encoder.place import ENCODER, TOKENIZER
from components.errors import EXIT_USER_ERROR, UserError
from components.params.checks import outputs

WIDTH = 60  # characters of a value that are shown


def run(address: str, wishes: Wishes, keep: bool, settings_file: Path = params.PARAMS) -> int:
    """Show the guess and, with `keep`, write it; 2 where something is open that nobody is there to settle."""
    console = Console(highlight=False, soft_wrap=True)
    while True:
        try:
            found = guess(address, wishes, _encoder(settings_file))
            break
        except Question as question:
            chosen = _ask(question, console, address, wishes)
            if chosen is None:
                return EXIT_USER_ERROR
            address, wishes = chosen.address or address, with_arguments(wishes, chosen.arguments)
    place = found.entry.keys["source"]["path"]
    outputs.refuse(address, place, [*_tasks(settings_file), found.entry.name])
    _show(found, console)
    if keep:
        write(found.entry, settings_file)
        console.print(f"written to {settings_file}; `onetrunk check` looks at all of its rows")
    else:
        console.print(Text(f"nothing is written yet: {_command(address, wishes)} --write"))
    return 0


def wishes_of(name: str | None, family: str | None, columns: Sequence[str]) -> Wishes:
    """The wishes of the command line; a column is "ROLE=NAME".

    Raises:
        UserError: it is not, or the task's name is none.
    """
    if name is not None and not name.isidentifier():
        raise UserError(f"--name: found '{name}', expected letters, digits and underscores")
    for given in columns:
        if "=" not in given:
            raise UserError(f"--column: found '{given}', expected ROLE=NAME, e.g. text=body")
    roles = [given.split("=", 1) for given in columns]
    return Wishes(name, family, {role.strip(): column for role, column in roles})


def with_arguments(wishes: Wishes, arguments: Sequence[str]) -> Wishes:
    """The wishes with a choice's `--family X` and `--column ROLE=NAME` besides."""
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    family = next((value for flag, value in pairs if flag == "--family"), wishes.family)
    columns = dict(value.split("=", 1) for flag, value in pairs if flag == "--column")
    return replace(wishes, family=family, columns={**wishes.columns, **columns})


def _encoder(settings_file: Path) -> Path | None:
    """The encoder's folder, if it has been fetched; `tasks` may be empty yet."""
    try:
        encoder = yaml.safe_load(settings_file.read_text(encoding="utf-8"))["model"]["encoder"]
    except (OSError, yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
        params.load(settings_file)  # says in a sentence what is wrong
        return None
    folders = [Path(encoder)] if isinstance(encoder, str) else []
    return next((folder for folder in (*folders, ENCODER) if (folder / TOKENIZER).is_file()), None)


def _tasks(settings_file: Path) -> list[str]:
    """The tasks that are declared already; none where the settings cannot be read, which others say."""
    with contextlib.suppress(OSError, yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
        return list(yaml.safe_load(settings_file.read_text(encoding="utf-8"))["tasks"])
    return []


def _command(address: str, wishes: Wishes) -> str:
    """The command line that says all of this."""
    parts = ["--name", wishes.name] if wishes.name else []
    parts += ["--family", wishes.family] if wishes.family else []
    parts += [part for role, name in wishes.columns.items() for part in ("--column", f"{role}={name}")]
    place = address if "://" in address else Path(address)
    return " ".join(map(advice.word, ("onetrunk", "new-task", place, *parts)))


def _ask(question: Question, console: Console, address: str, wishes: Wishes) -> Choice | None:
    """Say what is open and how to settle it; on a terminal, settle it by a number."""
    console.print(Text(f"{question}.", "yellow"))
    asking = sys.stdin.isatty() and bool(question.choices)
    for number, choice in enumerate(question.choices, 1):
        settled = _command(choice.address or address, with_arguments(wishes, choice.arguments))
        console.print(Text(f"{number:>3}  {choice.reason or choice.address or ''}"))
        console.print(Text(f"     {settled}", "dim"))
    if not asking:
        return None
    answer = console.input("which one? (number, or nothing to leave) ").strip()
    if answer.isdecimal() and 1 <= int(answer) <= len(question.choices):
        return question.choices[int(answer) - 1]
    return None


def _show(found: Guess, console: Console) -> None:
    plan = found.plan
    console.print(f"{found.rows:,} rows looked at, read as [bold]{plan.family}[/bold]:")
    reasons = Table.grid(padding=(0, 2))
    for role, column in plan.columns.items():
        reasons.add_row(f"  {role}", Text(f"from '{column.name}'"), Text(plan.fits[role].reason, "dim"))
    console.print(reasons)
    console.print(_rows(found))
    if found.unread:
        console.print(Text(f"\n{found.unread}; a run stops at such a row", "yellow"))
    remotes = found.entry.remotes_yaml()
    proposal = f"remotes:\n{_indent(remotes)}" if remotes else ""
    console.print(f"\nfor {params.PARAMS}:\n")
    console.print(Text(f"{proposal}tasks:\n{_indent(found.entry.task_yaml())}"))


def _rows(found: Guess) -> Table:
    """The first rows as the family reads them, a column a role; what does not fit is cut."""
    roles = [role for role in found.shown[0] if any(row[role] is not None for row in found.shown)]
    table = Table(box=SIMPLE, pad_edge=False)
    for role in roles:
        table.add_column(role, no_wrap=True, overflow="ellipsis", max_width=WIDTH)
    for row in found.shown:
        table.add_row(*(Text(shortened(row[role])) for role in roles))
    return table


def shortened(value: Any) -> str:
    """A value in one line, cut where it is long."""
    words = isinstance(value, list) and all(isinstance(item, str) for item in value)
    text = " | ".join(value) if words else value if isinstance(value, str) else flow(value)
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def _indent(block: str) -> str:
    return "".join(f"  {line}\n" for line in block.splitlines())
