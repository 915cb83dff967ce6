"""Which sheet of a workbook holds the rows, and in which row its columns are named."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from statistics import median

from components.data.propose.delimited import LINES, PREAMBLE, header_of, merged_names
from components.data.propose.formats import sheet_kind, source_of_file
from components.data.propose.source_keys import SourceKeys
from components.data.sources.formats.sheets import cells, sheet_names

FEWEST = 10  # rows of a sheet of data


def source_of(path: Path) -> SourceKeys:
    """The keys of a task's `source`, but for its path, that read the file.

    Raises:
        UserError: it is empty, or in none of the formats.
    """
    kind = sheet_kind(path)
    return source_of_file(path) if kind is None else _sheet_of(path, kind)


def _sheet_of(path: Path, kind: str) -> SourceKeys:
    """The first sheet with several columns and enough rows; else the first of all.

    Raises:
        UserError: it is no workbook.
    """
    names = sheet_names(path)
    tables = ((name, _texts(path, name)) for name in names)
    name, rows = next(((name, rows) for name, rows in tables if _is_table(rows)), (names[0], []))
    source: SourceKeys = {"format": kind}
    if len(names) > 1:
        source["sheet"] = name
    return {**source, **_header(rows)}


def _texts(path: Path, sheet: str) -> list[list[str]]:
    return [["" if cell is None else cell for cell in row] for row in islice(cells(path, sheet), LINES)]


def _is_table(rows: list[list[str]]) -> bool:
    return sum(_filled(row) > 1 for row in rows) >= FEWEST


def _filled(row: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _header(rows: list[list[str]]) -> SourceKeys:
    """The names of the columns: in the first row that has as many cells as most, below titles and blanks."""
    given = [row for row in rows if _filled(row)]
    if not given:
        return {}
    usual = median(map(_filled, given))
    first = next(number for number, row in enumerate(rows) if _filled(row))
    if merged_names(rows[first:]):
        return header_of(rows[first:], 0)
    at = next((number for number, row in enumerate(rows) if _filled(row) >= usual), first)
    return header_of(rows[first:], at - first) if at - first <= PREAMBLE else {}
