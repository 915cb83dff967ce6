"""`onetrunk new-task`: what was understood of the data, and the entry for params.yaml."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from rich.box import SIMPLE
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from components import advice, params
from components.data.propose import Choice, Guess, Question, Terms, Wishes, guess, guess_at
from components.data.propose.amounts import DECIMALS
from components.data.propose.cuts import with_one_cut
from components.data.propose.entry import Entry, flow
from components.data.propose.folders import Part, is_task, parts_of
from components.data.propose.places import Place
from components.data.propose.write import write
from components.data.sources.numbers import Decimal
from components.encoder.place import ENCODER, TOKENIZER
from components.errors import EXIT_USER_ERROR, UserError
from components.families.base import Row
from components.params.checks.names import refusal

WIDTH = 60  # characters of a value that are shown
MOST_UNUSED = 8  # columns that are named
OF_SEVERAL = 3  # rows of each of a folder's tasks
ACROSS, GAP, NARROW = 75, 3, 8  # of a table beside its number, between its columns, and of one, at least


def run(address: str, wishes: Wishes, keep: bool, settings_file: Path = params.PARAMS) -> int:
    """Show the guess and, with `keep`, write it; 2 where something is open that nobody is there to settle."""
    console = Console(highlight=False, soft_wrap=True)
    terms = _terms(settings_file)
    parts = parts_of(Path(address)) if Path(address).is_dir() else {}
    if len(parts) > 1 and wishes.name not in parts:
        return _project(address, parts, wishes, terms, console, keep, settings_file)
    alone = next((part for part in parts.values() if len(parts) == 1 and part.is_several), None)
    part = parts.get(wishes.name or "", alone)
    place = part.place() if part else None
    found, wishes = _settled(address, place, wishes, terms, console)
    if found is None:
        return EXIT_USER_ERROR
    _show(found, console, address, wishes)
    entries = with_one_cut([found.entry], terms.tasks)
    _propose(entries, console)
    if found.refused:
        few = "; more rows are needed, or less of checks.min_rows" if "'at least " in found.refused else ""
        console.print(Text(f"not written, a run would refuse it: {readable(found.refused)}{few}", "yellow"))
        return EXIT_USER_ERROR
    if keep:
        write(entries, settings_file)
        console.print(f"written to {settings_file}; `onetrunk check` looks at all of its rows")
    else:
        console.print(Text(f"nothing is written yet: {_command(address, wishes)} --write"))
    return 0


def _project(
    address: str,
    parts: Mapping[str, Part],
    wishes: Wishes,
    terms: Terms,
    console: Console,
    keep: bool,
    settings_file: Path,
) -> int:
    """Show what a folder's files are, a task each, and write all that is settled at once."""
    if wishes != Wishes():
        said = f"{len(parts)} tasks, {', '.join(parts)}"
        raise UserError(f"{address}: {said}; `--name` says of which of them the other options speak")
    found, left = [], 0
    for name, part in parts.items():
        if is_task(part, terms.tasks):
            console.print(Text.assemble((name, "bold"), f": {part.path} is a task already\n"))
            continue
        try:
            one = _of_project(address, name, part, terms, console)
        except UserError as error:
            console.print(Text(f"left out: {readable(str(error))}\n", "yellow"))
            continue
        found += [one.entry] if one else []
        left += not one
    entries = with_one_cut(found, terms.tasks)
    if entries:
        _propose(entries, console)
    names = ", ".join(entry.name for entry in entries) or "nothing"
    if keep and entries:
        write(entries, settings_file)
        console.print(f"written to {settings_file}: {names}; `onetrunk check` looks at all of their rows")
    elif entries:
        console.print(Text(f"nothing is written yet: {_command(address, wishes)} --write writes {names}"))
    if left:
        are = "is" if left == 1 else "are"
        console.print(Text(f"{left} of {len(parts)} {are} open, see above", "yellow"))
    return EXIT_USER_ERROR if left else 0


def _of_project(address: str, name: str, part: Part, terms: Terms, console: Console) -> Guess | None:
    """What one of a folder's tasks is; None where it is open.

    Raises:
        UserError: its files are no data.
    """
    console.print(Text.assemble((name, "bold"), f": {part.path}"))
    found, settled = _settled(address, part.place(), Wishes(name), terms, console)
    if found is None:
        return None
    _show(found, console, address, settled, others=False)
    if found.refused:
        console.print(Text(f"a run would refuse it: {readable(found.refused)}\n", "yellow"))
        return None
    return replace(found, entry=replace(found.entry, name=terms.free(name)))


def _settled(
    address: str, place: Place | None, wishes: Wishes, terms: Terms, console: Console
) -> tuple[Guess | None, Wishes]:
    """The guess, once every question is settled, and the wishes that settled it; None where one is not."""
    while True:
        try:
            if place is None:
                return guess(address, wishes, terms.encoder, terms), wishes
            return guess_at(place, wishes, terms.encoder, terms), wishes
        except Question as question:
            chosen = _ask(question, console, address, wishes)
            if chosen is None:
                return None, wishes
            wishes = with_arguments(wishes, chosen.arguments)


def wishes_of(
    name: str | None,
    family: str | None,
    columns: Sequence[str],
    joint: Sequence[str] = (),
    decimal: Decimal | None = None,
    form: str | None = None,
) -> Wishes:
    """The wishes of the command line; a column is "ROLE=NAME".

    Raises:
        UserError: it is not, or the task's name is none.
    """
    if name is not None and (why := refusal(name)):
        raise UserError(f"--name: '{name}' {why}")
    for given in columns:
        if "=" not in given:
            raise UserError(f"--column: found '{given}', expected ROLE=NAME, e.g. text=body")
    roles = [given.split("=", 1) for given in columns]
    named = {role.strip(): column for role, column in roles}
    return Wishes(name, family, named, tuple(joint), decimal, form)


def with_arguments(wishes: Wishes, arguments: Sequence[str]) -> Wishes:
    """The wishes with what a choice's arguments say, `--family X`, `--column ROLE=NAME` and the others."""
    pairs = list(zip(arguments[::2], arguments[1::2], strict=True))
    family = next((value for flag, value in pairs if flag == "--family"), wishes.family)
    form = next((value for flag, value in pairs if flag == "--format"), wishes.format)
    decimal = next((decimal for decimal in DECIMALS if ("--decimal", decimal) in pairs), wishes.decimal)
    columns = dict(value.split("=", 1) for flag, value in pairs if flag == "--column")
    joint = tuple(value for flag, value in pairs if flag == "--joint")
    columns = {**wishes.columns, **columns}
    settled = replace(wishes, family=family, columns=columns, decimal=decimal, format=form)
    return replace(settled, joint=wishes.joint + joint)


def _terms(settings_file: Path) -> Terms:
    """The settings, and the encoder's folder if it has been fetched; `tasks` may be empty yet."""
    try:
        keys = yaml.safe_load(settings_file.read_text(encoding="utf-8"))
        encoder = keys["model"]["encoder"]
    except (OSError, yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError):
        params.load(settings_file)  # says in a sentence what is wrong
        return Terms()
    folders = [Path(encoder)] if isinstance(encoder, str) else []
    found = next((folder for folder in (*folders, ENCODER) if (folder / TOKENIZER).is_file()), None)
    return Terms(keys, found)


def _command(address: str, wishes: Wishes) -> str:
    """The command line that says all of this."""
    parts = ["--name", wishes.name] if wishes.name else []
    parts += ["--format", wishes.format] if wishes.format else []
    parts += ["--family", wishes.family] if wishes.family else []
    parts += [part for role, name in wishes.columns.items() for part in ("--column", f"{role}={name}")]
    parts += [part for name in wishes.joint for part in ("--joint", name)]
    parts += ["--decimal", wishes.decimal] if wishes.decimal else []
    place = address if "://" in address else Path(address)
    return " ".join(map(advice.word, ("onetrunk", "new-task", place, *parts)))


def _ask(question: Question, console: Console, address: str, wishes: Wishes) -> Choice | None:
    """Say what is open and how to settle it; on a terminal, settle it by a number."""
    console.print(Text(readable(f"{question}."), "yellow"))
    asking = sys.stdin.isatty() and bool(question.choices)
    for number, choice in enumerate(question.choices, 1):
        settled = _command(address, with_arguments(wishes, choice.arguments))
        console.print(Text(readable(f"{number:>3}  {choice.reason}")))
        console.print(Text(f"     {settled}", "dim"))
        if choice.shown:
            console.print(Padding(_rows(choice.shown), (0, 0, 0, 4), expand=False))
    if not asking:
        return None
    answer = console.input("which one? (number, or nothing to leave) ").strip()
    if answer.isdecimal() and 1 <= int(answer) <= len(question.choices):
        return question.choices[int(answer) - 1]
    return None


def _show(found: Guess, console: Console, address: str, wishes: Wishes, others: bool = True) -> None:
    """How the rows are understood, some of them, and how else they could be."""
    plan = found.plan
    console.print(f"{found.rows:,} rows looked at, read as [bold]{plan.family}[/bold]:")
    reasons = Table.grid(padding=(0, 2))
    for role, column in plan.columns.items():
        reasons.add_row(f"  {role}", *_reason(column.name, plan.fits[role].reason))
    for name, head in plan.joint.items():
        role = next(iter(head.fits))
        reason = f"{head.family}, {head.fits[role].reason}"
        reasons.add_row(f"  {name}", *_reason(head.columns[role].name, reason))
    console.print(reasons)
    if found.unused:
        names = ", ".join(f"'{name}'" for name in found.unused[:MOST_UNUSED])
        more = ", ..." if len(found.unused) > MOST_UNUSED else ""
        console.print(Text(readable(f"  not read: {names}{more}"), "dim"))
    if found.left_out:
        target = next(iter(plan.targets.values())).name if plan.targets else ""
        console.print(
            Text(readable(f"  left out, without '{target}': {', '.join(found.left_out)}"), "yellow")
        )
    console.print(_rows(found.shown if others else found.shown[:OF_SEVERAL]))
    for other in found.others if others else ():
        console.print(Text(readable(f"it could also be {other.reason}"), "yellow"))
        settled = _command(address, with_arguments(wishes, other.arguments))
        console.print(Text(f"     {settled}", "dim"))
        console.print(Padding(_rows(other.shown), (0, 0, 0, 4), expand=False))
    if found.unread:
        stops = "unreadable" not in found.entry.keys["cleaning"]
        then = "a run stops at such a row" if stops else "`unreadable: drop` leaves such rows out"
        console.print(Text(readable(f"\n{found.unread}; {then}"), "yellow"))


def _reason(column: str, reason: str) -> tuple[Text, Text]:
    return Text(readable(f"from '{column}'")), Text(readable(reason), "dim")


def _propose(entries: Sequence[Entry], console: Console) -> None:
    """What is to stand in params.yaml."""
    remotes = "".join(entry.remotes_yaml() for entry in entries)
    proposal = f"remotes:\n{_indent(remotes)}" if remotes else ""
    tasks = "\n".join(_indent(entry.task_yaml()) for entry in entries)
    console.print(f"\nfor {params.PARAMS}:\n")
    console.print(Text(f"{proposal}tasks:\n{tasks}"))


def _rows(shown: Sequence[Row]) -> Table:
    """Rows as the family reads them, a column a role; what does not fit is cut."""
    roles = [role for role in shown[0] if any(row[role] not in (None, "", []) for row in shown)]
    width = min(WIDTH, max(NARROW, ACROSS // max(len(roles), 1) - GAP))
    table = Table(box=SIMPLE, pad_edge=False)
    for role in roles:
        table.add_column(Text(readable(role)), no_wrap=True, overflow="ellipsis", max_width=width)
    for row in shown:
        table.add_row(*(Text(shortened(row[role])) for role in roles))
    return table


def shortened(value: Any) -> str:
    """A value in one line, cut where it is long."""
    words = isinstance(value, list) and all(isinstance(item, str) for item in value)
    text = " | ".join(value) if words else value if isinstance(value, str) else flow(value)
    line = readable(" ".join(text.split()))
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def readable(text: str) -> str:
    """The text without what a terminal would obey, or could not write."""
    return "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _indent(block: str) -> str:
    return "".join(f"  {line}\n" for line in block.splitlines())
