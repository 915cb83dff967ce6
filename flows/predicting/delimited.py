"""How a table of text is written, as its first lines tell: what stands between columns, and how it quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from components.data.sources.formats.text import quotes_behind_blanks

SEPARATORS = ",;\t|"
SIGN = re.compile(r'"?sep=(.?)"?')  # a first line that tells a spreadsheet the separator
MOST_LINES = 100  # of a header, whose names may have line breaks within quotes
SHOWN_LINES, SHOWN_CHARACTERS = 1000, 1_000_000  # below it, that show how rows are quoted


@dataclass(frozen=True)
class Dialect:
    """How rows are written."""

    separator: str
    behind_blanks: bool = False  # do quotes stand behind blanks, as in "a", "b"?
    quotes: bool = True  # are fields quoted, or is a quote a sign like others?

    def rows(self, lines: Iterable[str], strict: bool = False) -> Iterator[list[str]]:
        """The rows that these lines hold."""
        return csv.reader(
            lines,
            delimiter=self.separator,
            skipinitialspace=self.behind_blanks,
            quoting=csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE,
            strict=strict,
        )

    def fits(self, lines: Sequence[str], columns: int) -> bool:
        """Whether these lines are rows of so many columns."""
        try:
            return all(len(row) == columns for row in self.rows(lines, strict=True) if row)
        except csv.Error:
            return False

    def is_open(self, lines: Sequence[str]) -> bool:
        """Whether a quote in these lines has no end there."""
        try:
            list(self.rows(lines, strict=True))
        except csv.Error as error:
            return "unexpected end of data" in str(error)
        return False


@dataclass(frozen=True)
class Head:
    """The beginning of a table."""

    names: list[str]  # of its columns
    lines: list[str]  # of its header; none where the table is empty
    is_open: bool  # has a quote in the header no end?
    dialect: Dialect  # of the rows
    below: Iterator[str]  # the lines under the header


def head(lines: Iterator[str]) -> Head:
    """Read the header of a table: its first line with something in it, and those that its quotes go on in."""
    separator, found = "", [line for line in [_filled(lines)] if line is not None]
    if found and (sign := SIGN.fullmatch(found[0].rstrip("\r\n"))):
        separator, found = sign[1], [line for line in [_filled(lines)] if line is not None]
    dialect = _dialect(found, separator)
    while dialect.is_open(found) and len(found) < MOST_LINES and (line := next(lines, None)) is not None:
        found.append(line)
        dialect = _dialect(found, separator)
    some = list(_first(lines))
    blanks = quotes_behind_blanks([*found, *some], dialect.separator)
    dialect = replace(dialect, behind_blanks=blanks)
    names = [name.strip() for name in next(dialect.rows(found), [])]
    rows = _literal(dialect, len(names), some)
    return Head(names, found, dialect.is_open(found), rows, chain(some, lines))


def _first(lines: Iterator[str]) -> Iterator[str]:
    """The lines that show how rows are quoted."""
    characters = 0
    for line in islice(lines, SHOWN_LINES):
        yield line
        characters += len(line)
        if characters > SHOWN_CHARACTERS:
            return


def _literal(dialect: Dialect, columns: int, some: Sequence[str]) -> Dialect:
    """Between tabs many write quotes as they stand in a text. So it is where each line is a row if they mean
    nothing, and not if they do."""
    literal = replace(dialect, quotes=False)
    if dialect.separator != "\t" or columns < 2 or dialect.fits(some, columns):
        return dialect
    return literal if literal.fits(some, columns) else dialect


def _filled(lines: Iterator[str]) -> str | None:
    return next((line for line in lines if line.strip()), None)


def _dialect(header: Sequence[str], separator: str) -> Dialect:
    """By the separator that was told, or the one at which the header falls into most columns."""
    told = [Dialect(sign) for sign in separator or SEPARATORS]
    return max(told, key=lambda one: len(next(one.rows(header), [])))
