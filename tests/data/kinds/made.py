"""Files of kinds that are no texts, for the table: each function writes its file below a folder."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import orc

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def write_xlsx(
    path: Path,
    rows: Sequence[Sequence[Any]],
    sheet: str = "Data",
    others: Mapping[str, Sequence[Sequence[Any]]] | None = None,
) -> None:
    """A workbook of one sheet, or of others behind it, with no more than a reader needs."""
    sheets = {sheet: rows, **(others or {})}
    numbers = range(1, len(sheets) + 1)
    links = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    named = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"></sheet>' for n, name in enumerate(sheets, 1)
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>',
    }
    files |= {f"xl/worksheets/sheet{n}.xml": _sheet(rows) for n, rows in enumerate(sheets.values(), 1)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')


def _sheet(rows: Sequence[Sequence[Any]]) -> str:
    lines = [
        f'<row r="{number}">{"".join(_cell(value, f"{column}{number}") for column, value in zip("ABCDEFGHIJ", row, strict=False))}</row>'
        for number, row in enumerate(rows, 1)
    ]
    return f'<worksheet xmlns="{SHEET}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _cell(value: Any, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    if value.startswith("="):
        return f'<c r="{place}"><f>{escape(value[1:])}</f><v></v></c>'
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


def sheet(root: Path) -> None:
    """Numbers, booleans and empty cells beside texts, on a sheet of another name."""
    lines = [[f"text number {n}", n % 2, n / 4, None if n % 3 else "x"] for n in range(24)]
    write_xlsx(root / "rows.xlsx", [["text", "label", "score", "note"], *lines], "My data")


def sheet_of_libreoffice(root: Path) -> None:
    write_ods(root / "rows.ods", [["text", "label"], *ROWS])


def write_ods(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """An .ods file, with no more than a reader needs."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    names = (
        f'xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" xmlns:text="{office}:text:1.0"'
    )
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    none = "<table:table-cell/>"
    lines = ["".join(cell.format(escape(value)) if value else none for value in row) or none for row in rows]
    body = "".join(f"<table:table-row>{line}</table:table-row>" for line in lines)
    table = f'<table:table table:name="Data">{body}</table:table>'
    body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{office}:manifest:1.0"/>'
        )
        archive.writestr("content.xml", f"<office:document-content {names}>{body}</office:document-content>")


CSV = "\n".join(["text,label", *(",".join(row) for row in ROWS), ""]).encode()
FRAME = pa.table({"text": [row[0] for row in ROWS], "label": [row[1] for row in ROWS]})


def gzipped(root: Path) -> None:
    (root / "rows.csv.gz").write_bytes(gzip.compress(CSV))


def gzipped_without_saying_so(root: Path) -> None:
    (root / "rows.csv").write_bytes(gzip.compress(CSV))


def gzipped_and_cut(root: Path) -> None:
    (root / "rows.csv.gz").write_bytes(gzip.compress(CSV)[:-20])


def bzipped(root: Path) -> None:
    (root / "rows.csv.bz2").write_bytes(bz2.compress(CSV))


def xz(root: Path) -> None:
    (root / "rows.csv.xz").write_bytes(lzma.compress(CSV))


def zstandard(root: Path) -> None:
    (root / "rows.csv.zst").write_bytes(pa.compress(CSV, "zstd", asbytes=True))


def zstandard_lines(root: Path) -> None:
    lines = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)
    with pa.CompressedOutputStream(str(root / "rows.jsonl.zst"), "zstd") as file:
        file.write(lines.encode())


def zipped(root: Path) -> None:
    """With what macOS adds."""
    with zipfile.ZipFile(root / "rows.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/", b"")
        archive.writestr("data/rows.csv", CSV)
        archive.writestr("__MACOSX/data/._rows.csv", b"\x00\x05\x16\x07")


def zip_of_two(root: Path) -> None:
    with zipfile.ZipFile(root / "rows.zip", "w") as archive:
        archive.writestr("rows.csv", CSV)
        archive.writestr("more.csv", CSV)


def gzipped_utf16(root: Path) -> None:
    (root / "rows.csv.gz").write_bytes(
        gzip.compress(CSV.decode().replace("text number", "größe").encode("utf-16"))
    )


def avro(root: Path) -> None:
    pl.DataFrame(pl.from_arrow(FRAME)).write_avro(root / "rows.avro")


def not_avro(root: Path) -> None:
    (root / "rows.avro").write_bytes(b"text,label\n")


def orc_file(root: Path) -> None:
    orc.write_table(FRAME, root / "rows.orc")


def not_orc(root: Path) -> None:
    (root / "rows.orc").write_bytes(b"text,label\n")


def parquet_with_an_index(root: Path) -> None:
    """As pandas writes a frame of which some rows were taken out: its index is a column."""
    frame = pd.DataFrame({"text": [row[0] for row in ROWS], "label": [row[1] for row in ROWS]})
    frame[frame.index % 3 > 0].to_parquet(root / "rows.parquet")
    assert "__index_level_0__" in pq.read_schema(root / "rows.parquet").names


def parquet_with_pandas_types(root: Path) -> None:
    """Categories, nullable integers, decimals."""
    rows = range(24)
    frame = pd.DataFrame(
        {
            "text": pd.Series([f"text number {n}" for n in rows], dtype="string"),
            "label": pd.Categorical(["no" if n % 2 else "yes" for n in rows]),
            "level": pd.Series([None if n == 3 else n % 3 for n in rows], dtype="Int64"),
            "price": [Decimal(n % 4).quantize(Decimal("0.01")) for n in rows],
        }
    )
    frame.to_parquet(root / "rows.parquet")


def hugging_face_features(root: Path) -> None:
    """Class numbers with their names, -1 a hidden one; lists of them."""
    from datasets import ClassLabel, Dataset, Features, List, Value

    names = ClassLabel(names=["sad", "glad"])
    features = Features({"text": Value("string"), "label": names, "moods": List(names)})
    rows = {
        "text": [f"text number {n}" for n in range(25)],
        "label": [*(n % 2 for n in range(24)), -1],
        "moods": [[n % 2] if n % 3 else [0, 1] for n in range(25)],
    }
    Dataset.from_dict(rows, features=features).to_parquet(root / "rows.parquet")


def class_folders(root: Path, below: str = "rows", first: int = 0) -> None:
    """A text a file, in the folder of its class."""
    for number, name in enumerate(["pos", "neg"]):
        (root / below / name).mkdir(parents=True)
        for n in range(12):
            (root / below / name / f"{n}_7.txt").write_text(f"text number {first + 12 * number + n}\nmore")


def class_folders_by_split(root: Path) -> None:
    class_folders(root, "rows/train")
    class_folders(root, "rows/test", 100)
    (root / "rows/train/unsup").mkdir()
    for n in range(5):
        (root / f"rows/train/unsup/{n}_0.txt").write_text(f"text number {200 + n}")


def texts_as_bytes(root: Path) -> None:
    """Of a writer that does not say that its bytes are texts."""
    texts = pa.array([f"größe {n}".encode() for n in range(24)], pa.binary())
    labels = pa.array([b"ab"[n % 2 : n % 2 + 1] for n in range(24)], pa.large_binary())
    pq.write_table(pa.table({"text": texts, "label": labels}), root / "rows.parquet")


def word(root: Path) -> None:
    with zipfile.ZipFile(root / "rows.csv", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document/>")


def pickled(root: Path) -> None:
    """As pandas writes a frame: protocol 5, in a frame of its own."""
    (root / "rows.csv").write_bytes(b"\x80\x05\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.")


def gzipped_page(root: Path) -> None:
    (root / "rows.csv.gz").write_bytes(gzip.compress(b"<html><body>404</body></html>"))


LIST = json.dumps([{"text": text, "label": label} for text, label in ROWS]).encode()


def gzipped_list(root: Path) -> None:
    (root / "rows.json.gz").write_bytes(gzip.compress(LIST))


def zstandard_list(root: Path) -> None:
    """With a byte order mark."""
    (root / "rows.json.zst").write_bytes(pa.compress(b"\xef\xbb\xbf" + LIST, "zstd", asbytes=True))
