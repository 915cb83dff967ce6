"""Files of kinds that are no texts, for the table: each function writes its file below a folder."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write_xlsx(path: Path, rows: Sequence[Sequence[Any]], sheet: str = "Data") -> None:
    """A workbook of one sheet, with no more than a reader needs."""
    lines = [
        f'<row r="{number}">{"".join(_cell(value, f"{column}{number}") for column, value in zip("ABCDEFGHIJ", row, strict=False))}</row>'
        for number, row in enumerate(rows, 1)
    ]
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets><sheet name="{escape(sheet)}" sheetId="1" r:id="r1"></sheet></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')


def _cell(value: Any, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def nullable_integers(root: Path) -> None:
    """As pandas writes a column of integers some of which are missing."""
    rows = range(120)
    frame = {
        "text": [f"message number {n}" for n in rows],
        "label": [n % 2 for n in rows],
        "urgent": [None if n % 3 == 0 else float(n % 2) for n in rows],
    }
    pq.write_table(pa.table(frame), root / "rows.parquet")


def dates(root: Path) -> None:
    """Days as dates, and as times at midnight."""
    days = [date(2024, 1, 1 + n % 2) for n in range(48)]
    frame = {
        "text": [f"message number {n}" for n in range(48)],
        "label": [("a" if n % 4 else "b") if n % 2 == 0 else "c" for n in range(48)],
        "day": days,
        "moment": [datetime(day.year, day.month, day.day) for day in days],
    }
    pq.write_table(pa.table(frame), root / "rows.parquet")


def parquet_with_a_name_twice(root: Path) -> None:
    texts, labels = [f"text {n}" for n in range(9)], [*"abababab", "a"]
    table = pa.Table.from_arrays(
        [pa.array(texts), pa.array(labels), pa.array(labels)], ["text", "label", "label"]
    )
    pq.write_table(table, root / "rows.parquet")


ROWS = [[f"text number {n}", "ab"[n % 2]] for n in range(24)]


def sheet_with_a_name_twice(root: Path) -> None:
    write_xlsx(root / "rows.xlsx", [["text", "label", "label"], *([*row, "c"] for row in ROWS)])


def sheet_with_its_header_again(root: Path) -> None:
    write_xlsx(root / "rows.xlsx", [["text", "label"], *ROWS[:9], ["text", "label"], *ROWS[9:]])


def sheet_with_empty_rows(root: Path) -> None:
    write_xlsx(root / "rows.xlsx", [["text", "label"], *ROWS[:9], [None, None], [" ", None], *ROWS[9:]])
