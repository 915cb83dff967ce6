"""What kind of file it is and how it is read: format, encoding, separator, header.

Only the beginning of the file is looked at; the readers of components/data/sources read it then.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import TypedDict

from components.data.propose.names import ASIDE, NAMES
from components.data.propose.profile import Column
from components.data.sources import formats
from components.data.sources.formats.base import Sample
from components.data.sources.formats.foreign import refuse
from components.data.sources.formats.packed import SHEETS, opened
from components.data.sources.formats.text import MAX_FIELD
from components.errors import UserError

SAMPLE = 4_000_000  # bytes
LINES = 1000
SEPARATORS = "\t,;|"
ALIKE = 0.9  # share of the lines that must agree on a format
OLD_SHEET = bytes.fromhex("d0cf11e0a1b11ae1")  # of Excel before 2007
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream has no other mark
}
BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
ENCODINGS = ["cp1252", "mac_roman", "cp1250", "cp1251", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]
FEWEST_LETTERS = 5  # beyond ASCII, by which a text is UTF-8
LONGEST_NAME = 80  # characters of a column's name
NAMING = 4  # words of a name that says what the column holds
PREAMBLE = 12  # lines above a header
IMPORT = '{"ImportId"'  # begins what Qualtrics writes in the second row below its header
UNSAID = ("utf-8", "utf-8-sig")  # encodings that every reader takes without being told
SIGN = "sep="  # begins the line by which a spreadsheet is told the separator
ABOVE = 0.001  # what each of them takes from a separator's share: rather none
TEXT_HINT = "expected CSV, TSV, JSON Lines, Parquet, Arrow, CoNLL or SQuAD JSON"


class SourceKeys(TypedDict, total=False):
    """A task's `source`, as params.yaml spells it: what the data call for (`settings.data.Source`)."""

    path: str
    format: str
    files: dict[str, str]
    encoding: str
    separator: str
    quoting: bool
    escape: str
    header: list[str]
    skip_after_header: int
    split_column: str
    split_values: dict[str, str]
    labels: list[str]
    decimal: str
    filter: dict[str, dict[str, str | list[str]]]
    sentence: str
    sheet: str
    label_map: dict[str, str]
    rows: str
    offsets: str | list[str]
    end: str


def source_of_file(path: Path) -> SourceKeys:
    """The keys of a task's `source`, but for its path, that read the file, which is no workbook.

    Raises:
        UserError: it is empty, or in none of the formats.
    """
    refuse(path)
    with opened(path) as file:
        data = file.read(SAMPLE)
        whole = not file.read(1)
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise UserError(f"{path}: the file is empty, expected rows")
    for mark, form in MAGIC.items():
        if data.startswith(mark):
            return {"format": form}
    known = formats.formats()
    told = [name for name in formats.detect(path) if not known[name].general and name != "conll"]
    if told and known[told[0]].binary:
        return {"format": told[0]}
    encoding = encoding_of(path, data, whole)
    if told:
        found: SourceKeys = {"format": told[0]}
        return found if encoding in UNSAID else {**found, "encoding": encoding}
    text = codecs.getincrementaldecoder(encoding)().decode(data, whole)
    if not whole:
        text = text[: text.rfind("\n")]
    found = _text_format(path, text)
    return found if encoding == "utf-8" else {**found, "encoding": encoding}


def sheet_kind(path: Path) -> str | None:
    """The kind of spreadsheet that a file is, by what is in it."""
    with path.open("rb") as file:
        if file.read(len(OLD_SHEET)) == OLD_SHEET:
            return "xls"
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return next((kind for kind, inner in SHEETS.items() if inner in names), None)


def encoding_of(path: Path, data: bytes, whole: bool) -> str:
    """By its byte order mark; UTF-8 if that is possible; else the likeliest of the older ones."""
    for mark, name in BOMS.items():
        if data.startswith(mark):
            return name
    if b"\0" in data:
        return _wide(path, data, whole)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        _refuse_mixed(path, data, error.start)

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


def _refuse_mixed(path: Path, data: bytes, first: int) -> None:
    """Refuse UTF-8 with some lines of another encoding: in no other does UTF-8 come about by chance so often.

    Raises:
        UserError: the first of these lines.
    """
    text = data.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    if sum(not character.isascii() for character in text) - wrong >= max(wrong, FEWEST_LETTERS):
        line = data[:first].count(b"\n") + 1
        raise UserError(
            f"{path}, line {line}: byte 0x{data[first]:02x} is no UTF-8, as the letters of other lines are: "
            f"the file has lines of two encodings; convert them to one"
        )


def _wide(path: Path, data: bytes, whole: bool) -> str:
    """UTF-16 without a mark, by the zeros that are every second byte; else it is no text file.

    Raises:
        UserError: it is none.
    """
    halves = {"utf-16-le": data[1::2], "utf-16-be": data[::2]}
    for name, half in halves.items():
        if half.count(0) > 0.4 * len(half):
            try:
                if "\0" not in codecs.getincrementaldecoder(name)().decode(data, whole):
                    return name
            except UnicodeDecodeError:
                continue
    zeros = data.count(0)
    if zeros < 0.1 * len(data) and not set(data[:8]) - set(range(9, 127)):
        line = data[: data.index(0)].count(b"\n") + 1
        raise UserError(
            f"{path}: NUL bytes, the first of {zeros} in line {line}, expected a text; "
            f"`tr -d '\\000'` takes them out"
        )
    raise UserError(f"{path}: a binary file, {TEXT_HINT}")


def _text_format(path: Path, text: str) -> SourceKeys:
    start = text.lstrip("\ufeff \r\n\t")
    if start.startswith("#FORMAT=WebAnno"):
        raise UserError(f"{path}: WebAnno's own format; export it as CoNLL 2002, or as CoNLL-U")
    sample = Sample(path, text.encode("utf-8", "replace"))
    special = [name for name, one in formats.formats().items() if not one.general and one.looks_like(sample)]
    if special and special != ["conll"]:
        return {"format": special[0]}
    if start.startswith("{") and re.search(r'"paragraphs"\s*:', text):
        return {"format": "squad"}
    if re.match(r"\[?\s*\{'", start):
        raise UserError(f"{path}: objects as Python writes them, with ', expected JSON: json.dumps writes it")
    if re.match(r"[\[{]\s*[\[{\"\r\n\]}]", start):
        one = "json" if start.startswith("[") else "json_table"
        return {"format": "jsonl" if _is_object_a_line(start) else one}
    if _is_conll(text):
        return {"format": "conll"}
    return _delimited(text)


def _is_object_a_line(text: str) -> bool:
    """Is the first line an object, with others after it?"""
    first, _, rest = text.partition("\n")
    return first.rstrip().endswith("}") and bool(rest.strip())


def _is_conll(text: str) -> bool:
    """One word and its columns a line, blank lines between sentences."""
    lines = [line for line in text.splitlines()[:LINES] if not line.startswith(("-DOCSTART-", "#"))]
    full = [line.split("\t") if "\t" in line else line.strip().split(" ") for line in lines if line.strip()]
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
    escape = "\\" if re.search(r'[^\\]\\"', text) else None
    spaced = text.startswith('"') and '" "' in text.partition("\n")[0]
    for quoting in (True, False):
        for separator in SEPARATORS + " " * spaced:
            rows = _rows(text, separator, quoting, escape if quoting else None)
            width, share = _width(rows)
            if width > 1 and share >= ALIKE and share > best[0]:
                best = (share, separator, quoting, rows)
    _, separator, quoting, rows = best
    rows = rows or _rows(text, separator, quoting, None)
    found: SourceKeys = {"format": "tsv" if separator == "\t" else "csv"}
    if separator in ";| ":
        found["separator"] = separator
    if not quoting:
        found["quoting"] = False
    elif escape:
        found["escape"] = escape
    return {**found, **_header(rows)}


def _width(rows: list[list[str]]) -> tuple[int, float]:
    """How many fields most rows have, and which share of them, but for what stands above a header."""
    widths = Counter(len(row) for row in rows if row)
    if not widths:
        return 0, 0.0
    width = max(widths, key=lambda each: (widths[each], each))
    full = [row for row in rows[_first(rows, width) :] if row]
    return width, sum(len(row) == width for row in full) / len(full) - ABOVE * _first(rows, width)


def _first(rows: list[list[str]], width: int) -> int:
    """The first row with so many fields: what stands above it are titles, or a sign for a spreadsheet."""
    full = (number for number, row in enumerate(rows) if len(row) == width and any(row))
    first = next((number for number in full if rows[number][0] != SIGN), 0)
    return first if first <= PREAMBLE else 0


def _header(rows: list[list[str]]) -> SourceKeys:
    """The columns' names, where the file does not give them in its first row, each once."""
    width, _ = _width(rows)
    return header_of(rows, _first(rows, width))


def header_of(rows: list[list[str]], first: int) -> SourceKeys:
    """The same, where the row is known in which the names or, without any, the first values stand."""
    width = len(rows[first])
    names = [name.strip() for name in rows[first]]
    unnamed = first and len(rows[first - 1]) == width - 1 and _number_rows(rows[first:])
    if unnamed and not _is_header(rows[first], _body(rows, first)):
        above = ["rownames", *(name.strip() for name in rows[first - 1])]  # R has no name for those of rows
        return {"header": _distinct(above), "skip_after_header": first}
    if any(field.startswith(IMPORT) for row in rows[first + 1 : first + 3] for field in row):
        rows = [*rows[: first + 1], *rows[first + 3 :]]
        return {**header_of(rows, first), "skip_after_header": 2}
    if not _is_header(rows[first], _body(rows, first)):
        lost: SourceKeys = {"skip_after_header": first} if any(map(any, rows[:first])) else {}
        return {"header": [f"column_{number}" for number in range(1, width + 1)], **lost}
    given = [name for name in names if name]
    if any(map(any, rows[:first])) or len(set(given)) < len(given):
        return {"header": _distinct(names), "skip_after_header": first + 1}
    return {}


def _body(rows: list[list[str]], first: int) -> list[list[str]]:
    """The rows below, but for the header once more."""
    below = (row for row in rows[first + 1 :] if len(row) == len(rows[first]) and any(row))
    return [row for row in below if row != rows[first]]


def _number_rows(rows: list[list[str]]) -> bool:
    """Is the first field of every row another, and short?"""
    firsts = [row[0] for row in rows if len(row) == len(rows[0])]
    return len(set(firsts)) == len(firsts) and all(len(first.split()) == 1 for first in firsts)


def _distinct(names: list[str]) -> list[str]:
    """The names, with a number where one stands there twice."""
    found: list[str] = []
    for number, given in enumerate(names, 1):
        name = given or f"column_{number}"
        copies = (f"{name}_{copy}" for copy in range(2, len(names) + 2))
        free = (copy for copy in copies if copy not in [*found, *names])
        found.append(name if name not in found else next(free))
    return found


def _rows(text: str, separator: str, quoting: bool, escape: str | None) -> list[list[str]]:
    """The first rows, blank lines among them; none where the quotes do not close."""
    csv.field_size_limit(MAX_FIELD)
    lines = io.StringIO(text, newline="")
    rows: list[list[str]] = []
    full = 0
    try:
        for row in csv.reader(
            lines,
            delimiter=separator,
            quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
            escapechar=escape,
            strict=quoting,
        ):
            rows.append(row)
            full += any(row)
            if full == LINES:
                break
    except csv.Error:
        return []
    return rows


def _is_header(names: list[str], body: list[list[str]]) -> bool:
    """Is the row unlike those below it: names, not values?"""
    columns = [
        Column(name.strip(), [value for value in values if value], len(body))
        for name, *values in zip(names, *body, strict=True)
    ]
    if not body:
        return True
    if any(len(column.name) > LONGEST_NAME or not column.name.isprintable() for column in columns):
        return False
    if any(column.name and (column.name in column.values or _is_number(column.name)) for column in columns):
        return False
    known = set().union(*NAMES.values(), ASIDE)
    short = [column for column in columns if len(column.name.split()) <= NAMING]
    if any(not known.isdisjoint(column.words) for column in short if column.name):
        return True
    longer = any(len(column.name.split()) < column.length / 2 for column in columns)
    return longer or any(column.numbers is not None for column in columns if column.values)


def _is_number(value: str) -> bool:
    """Is a field a number?"""
    return Column("", [value], 1).numbers is not None
