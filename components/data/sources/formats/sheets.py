"""Sheets of Excel and LibreOffice -> numbered rows, by the library fastexcel (calamine)."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.data.sources.formats.base import Format
from components.data.sources.formats.text import under_header
from components.data.sources.record import Numbered
from components.errors import UserError, first_line, near_miss
from components.settings.data import Source
from components.spelling import is_blank, trimmed

# A formula whose value was not saved, as programs leave it that do not compute: openpyxl, exports of the web.
UNSAVED = re.compile(rb"<f\b[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>")


def read_sheet(path: Path, source: Source) -> Numbered:
    """A sheet, the first one unless `source.sheet` names it, whose first row with a value is its header.

    Cells are read as texts, as of a CSV file; the sheet is in memory.

    Raises:
        UserError: the sheet is empty, or has a column of formulas without values.
    """
    rows = cells(path, source.sheet)
    number, names = next(((n, row) for n, row in enumerate(rows, 1) if any(row)), (0, []))
    if not names:
        raise UserError(f"{path}: the sheet is empty, expected a header and rows")
    width = max(index for index, name in enumerate(names, 1) if not is_blank(name))
    header = source.header or [trimmed(name or "") for name in names[:width]]
    first = number if source.header is None else number - 1
    first += source.skip_after_header
    _refuse_unsaved(path, header, rows[first:])
    yield from under_header(
        ((n, row[: len(header)]) for n, row in enumerate(rows[first:], first + 1)), header
    )


def _refuse_unsaved(path: Path, header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> None:
    empty = [name for name, *values in zip(header, *rows, strict=False) if name and not any(values)]
    if not empty or not rows or not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as book:
        parts = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        if any(UNSAVED.search(book.read(part)) for part in parts):
            raise UserError(
                f"{path}: column '{empty[0]}' has formulas without their values; open the workbook in a "
                f"spreadsheet program and save it, which computes them"
            )


def sheet_names(path: Path) -> list[str]:
    """The names of a workbook's sheets.

    Raises:
        UserError: it is none.
    """
    import fastexcel

    try:
        return fastexcel.read_excel(path).sheet_names
    except fastexcel.FastExcelError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> UserError:
    problem = first_line(error).rstrip(".")
    return UserError(f"{path}: not a sheet that can be read ({problem})")


def cells(path: Path, sheet: str | None) -> list[tuple[str | None, ...]]:
    """The cells of a sheet, the first one if it is not named, as texts.

    Raises:
        UserError: there is no such sheet, or the file is no workbook.
    """
    import fastexcel

    try:
        book = fastexcel.read_excel(path)
        names = book.sheet_names
        if sheet is not None and sheet not in names:
            raise UserError(f"{path}: no sheet '{sheet}'{near_miss(sheet, names)}; found {', '.join(names)}")
        found: Any = book.load_sheet(sheet or 0, header_row=None, dtypes="string").to_arrow()
    except fastexcel.FastExcelError as error:
        raise _unreadable(path, error) from None
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


FORMATS = {"xlsx": Format(read_sheet), "xls": Format(read_sheet), "ods": Format(read_sheet)}
