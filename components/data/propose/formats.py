"""What kind of file it is and how it is read: format, encoding, separator, header.

Only the beginning of the file is looked at; the readers of components/data/sources read it then.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import TypedDict

from components import advice
from components.data.propose.names import ASIDE, NAMES
from components.data.propose.profile import Column
from components.errors import UserError

SAMPLE = 4_000_000  # bytes
LINES = 1000
SEPARATORS = "\t,;|"
ALIKE = 0.9  # share of the lines that must agree on a format
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream has no other mark
}
FOREIGN = {
    b"\x1f\x8b": "is compressed with gzip; unpack it first",
    b"PK\x03\x04": "is a zip archive or an Excel sheet; unpack it, or save it as CSV",
    b"SQLite format 3": "is an SQLite database; name a query of it under `remotes` in params.yaml",
}
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
ENCODINGS = ["cp1252", "mac_roman", "cp1250", "cp1251", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]
NAME = re.compile(r"[\w #./()-]{0,40}")
TEXT_HINT = "expected CSV, TSV, JSON Lines, Parquet, Arrow, CoNLL or SQuAD JSON"


class SourceKeys(TypedDict, total=False):
    """A task's `source`, as params.yaml spells it: what the data call for (`settings.data.Source`)."""

    path: str
    format: str
    files: dict[str, str]
    encoding: str
    separator: str
    quoting: bool
    header: list[str]
    split_column: str
    split_values: dict[str, str]
    labels: list[str]


def source_of(path: Path) -> SourceKeys:
    """The keys of a task's `source`, but for its path, that read the file.

    Raises:
        UserError: it is empty, or in none of the formats.
    """
    with path.open("rb") as file:
        data = file.read(SAMPLE)
        whole = not file.read(1)
    if not data.strip():
        raise UserError(f"{path}: the file is empty, expected rows")
    for mark, what in FOREIGN.items():
        if data.startswith(mark):
            raise UserError(f"{path}: it {what}")
    for mark, form in MAGIC.items():
        if data.startswith(mark):
            return {"format": form}
    encoding = encoding_of(path, data, whole)
    text = codecs.getincrementaldecoder(encoding)().decode(data, whole)
    if not whole:
        text = text[: text.rfind("\n")]
    found = _text_format(path, text)
    return found if encoding == "utf-8" else {**found, "encoding": encoding}


def encoding_of(path: Path, data: bytes, whole: bool) -> str:
    """By its byte order mark; UTF-8 if that is possible; else the likeliest of the older ones."""
    for mark, name in BOMS.items():
        if data.startswith(mark):
            return name
    if b"\0" in data:
        raise UserError(f"{path}: a binary file, {TEXT_HINT}")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        from charset_normalizer import from_bytes

        matches = list(from_bytes(data[:200_000], cp_isolation=ENCODINGS))
        if not matches:
            found = data[error.start]
            raise UserError(
                f"{path}: byte 0x{found:02x} at {error.start} is no UTF-8, and no other encoding fits; "
                f"{TEXT_HINT}"
            ) from None
        best = min((each.chaos, -each.coherence) for each in matches)
        equals = [each for each in matches if (each.chaos, -each.coherence) == best]
        names = {name for each in equals for name in each.could_be_from_charset}
        return min(names & set(ENCODINGS), key=ENCODINGS.index)  # the commoner one comes first


def _text_format(path: Path, text: str) -> SourceKeys:
    start = text.lstrip("\ufeff \r\n\t")
    if start.startswith("{") and re.search(r'"paragraphs"\s*:', text):
        return {"format": "squad"}
    if start.startswith("{") and re.match(r".*\}\s*(\n|$)", start):
        return {"format": "jsonl"}
    if re.match(r"[\[{]\s*[\[{\"\n]", start):
        raise UserError(advice.one_document(path))
    if _is_conll(text):
        return {"format": "conll"}
    return _delimited(text)


def _is_conll(text: str) -> bool:
    """One word and its columns a line, blank lines between sentences."""
    lines = [line for line in text.splitlines()[:LINES] if not line.startswith("-DOCSTART-")]
    full = [line.split("\t") if "\t" in line else line.split(" ") for line in lines if line.strip()]
    inner = "\n".join(lines).strip().split("\n")
    blank = sum(not line.strip() for line in inner)
    if not full or blank < 1 or blank > len(full) or len(full) / (blank + 1) > 200:
        return False
    widths = Counter(len(fields) for fields in full)
    width, often = widths.most_common(1)[0]
    single = all(len(field.split()) == 1 for fields in full if len(fields) == width for field in fields)
    return 2 <= width <= 15 and often >= ALIKE * len(full) and single


def _delimited(text: str) -> SourceKeys:
    """CSV or TSV, by the separator at which most lines fall into equally many fields."""
    best: tuple[float, str, bool, list[list[str]]] = (0.0, "\t", False, [])
    for quoting in (True, False):
        for separator in SEPARATORS:
            rows = _rows(text, separator, quoting)
            width, often = Counter(map(len, rows)).most_common(1)[0] if rows else (0, 0)
            share = often / max(len(rows), 1)
            if width > 1 and share >= ALIKE and share > best[0]:
                best = (share, separator, quoting, [row for row in rows if len(row) == width])
    _, separator, quoting, rows = best
    rows = rows or _rows(text, separator, quoting)
    found: SourceKeys = {"format": "tsv" if separator == "\t" else "csv"}
    if separator in ";|":
        found["separator"] = separator
    if not quoting:
        found["quoting"] = False
    if not _has_header(rows):
        found["header"] = [f"column_{number}" for number in range(1, len(rows[0]) + 1)]
    return found


def _rows(text: str, separator: str, quoting: bool) -> list[list[str]]:
    """The first rows that are not blank; none where the quotes do not close."""
    lines = io.StringIO(text, newline="")
    rows: list[list[str]] = []
    try:
        for row in csv.reader(
            lines,
            delimiter=separator,
            quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
            strict=quoting,
        ):
            rows += [row] if any(row) else []
            if len(rows) == LINES:
                break
    except csv.Error:
        return []
    return rows


def _has_header(rows: list[list[str]]) -> bool:
    """Is the first row unlike the others: names, not values?"""
    names, body = rows[0], rows[1:]
    columns = [Column(name, list(values), len(body)) for name, *values in zip(*rows, strict=True)]
    if len(set(names)) < len(names) or not all(NAME.fullmatch(name) for name in names):
        return False
    if any(name in column.values or _is_number(name) for name, column in zip(names, columns, strict=True)):
        return False
    known = set().union(*NAMES.values(), ASIDE)
    if any(not known.isdisjoint(column.words) for column in columns):
        return True
    longer = any(len(name.split()) < column.length / 2 for name, column in zip(names, columns, strict=True))
    return longer or any(column.numbers is not None for column in columns if column.values)


def _is_number(value: str) -> bool:
    """Is a field a number?"""
    return Column("", [value], 1).numbers is not None
