"""How a table of text is written, as its first lines tell: what stands between columns, and how it quotes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from components.data.sources.formats.text import FIRST, quotes_behind_blanks

SEPARATORS = ",;\t|"
SIGN = re.compile(r'"?sep=(.?)"?')  # a first line that tells a spreadsheet the separator
MOST_LINES = 100  # of a header, whose names may have line breaks within quotes


@dataclass(frozen=True)
class Dialect:
    """How rows are written."""

    separator: str
    behind_blanks: bool = False  # do quotes stand behind blanks, as in "a", "b"?

    def rows(self, lines: Iterable[str], strict: bool = False) -> Iterator[list[str]]:
        """The rows that these lines hold."""
        return csv.reader(lines, delimiter=self.separator, skipinitialspace=self.behind_blanks, strict=strict)

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

    dialect: Dialect
    lines: list[str]  # of its header; none where the table is empty
    below: Iterator[str]  # the lines under it

    @property
    def names(self) -> list[str]:
        """What its columns are called."""
        return [name.strip() for name in next(self.dialect.rows(self.lines))]


def head(lines: Iterator[str]) -> Head:
    """Read the header of a table: its first line with something in it, and those that its quotes go on in."""
    separator, found = "", [line for line in [_filled(lines)] if line is not None]
    if found and (sign := SIGN.fullmatch(found[0].rstrip("\r\n"))):
        separator, found = sign[1], [line for line in [_filled(lines)] if line is not None]
    dialect = _dialect(found, separator)
    while dialect.is_open(found) and len(found) < MOST_LINES and (line := next(lines, None)) is not None:
        found.append(line)
        dialect = _dialect(found, separator)
    some = list(islice(lines, FIRST))
    blanks = quotes_behind_blanks([*found, *some], dialect.separator)
    return Head(replace(dialect, behind_blanks=blanks), found, chain(some, lines))


def _filled(lines: Iterator[str]) -> str | None:
    return next((line for line in lines if line.strip()), None)


def _dialect(header: Sequence[str], separator: str) -> Dialect:
    """By the separator that was told, or the one at which the header falls into most columns."""
    told = [Dialect(sign) for sign in separator or SEPARATORS]
    return max(told, key=lambda one: len(next(one.rows(header), [])))
