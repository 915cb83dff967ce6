"""Guess what a file of data is: format, family, and the column of every role; or ask."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from components.data.propose.candidate import Plan, Wishes
from components.data.propose.choose import choose
from components.data.propose.entry import Entry, entry_of, load_source
from components.data.propose.places import Place, identifier, locate
from components.data.propose.profile import Fields, Numbered, columns_of, spread
from components.data.propose.questions import Choice, Question
from components.data.sources import formats
from components.data.sources.record import Skipped, Unreadable
from components.errors import BadRowError, UserError
from components.families.base import Row

__all__ = ["Choice", "Guess", "Question", "Wishes", "guess"]

READ = 200_000  # rows, from the beginning; of these, evenly spread, are looked at
LOOKED = 20_000
FEWEST = 10  # rows: fewer show nothing of what repeats
SHOWN = 5  # rows


@dataclass(frozen=True)
class Guess:
    """What was understood of the data."""

    rows: int  # that were looked at
    plan: Plan
    shown: list[Row]  # the first ones, as the family reads them
    unread: str  # rows that the family cannot read, in a sentence; empty: there are none
    entry: Entry


def guess(address: str, wishes: Wishes, encoder: Path | None = None) -> Guess:
    """Look at a file, a folder or an address; `encoder` is a folder with the tokenizer that counts.

    Raises:
        Question: the data leave something open.
        UserError: there is nothing to be read, or the wishes do not fit it.
    """
    with locate(address) as place:
        rows = _rows(place)
        columns = columns_of(rows)
        plan = choose(columns, rows, wishes)
        entry = entry_of(wishes.name or _name(place), place, columns, plan, rows, encoder)
    return Guess(len(rows), plan, *_read(plan, rows), entry)


def _rows(place: Place) -> Numbered:
    source = load_source(place)
    rows = [row for row in islice(formats.rows(place.first, source), READ) if _is_row(place.first, *row)]
    if len(rows) < FEWEST:
        raise UserError(
            f"{place.first}: {len(rows)} row{'s' if len(rows) != 1 else ''}, expected at least {FEWEST} "
            f"to guess from"
        )
    return spread(rows, LOOKED)


def _is_row(path: Path, number: int, fields: Fields) -> bool:
    """A row that the file sets aside is none; one that is wrong ends it."""
    if isinstance(fields, Unreadable):
        raise UserError(f"{path}, row {number}: {fields.reason}")
    return not isinstance(fields, Skipped)


def _name(place: Place) -> str:
    path = Path(place.source["path"])
    return identifier(path.stem if path.suffix else path.name)


def _read(plan: Plan, rows: Numbered) -> tuple[list[Row], str]:
    """The first rows as the family reads them; how many it cannot read, and why the first."""
    shown: list[Row] = []
    failed, first = 0, ""
    for number, fields in rows:
        try:
            row = plan.read(fields)
            shown += [row] if len(shown) < SHOWN else []
        except BadRowError as error:
            failed += 1
            first = first or f"row {number}: {error}"
    unread = f"{failed:,} of {len(rows):,} rows cannot be read, the first is {first}" if failed else ""
    return shown, unread
