"""What kind of file it is and how it is read: format, encoding, separator, header.

Only the beginning of the file is looked at; the readers of components/data/sources read it then.
"""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
from pathlib import Path

from components.data.propose import for_reading
from components.data.propose.delimited import ALIKE, LINES, delimited, uneven
from components.data.propose.single_byte import single_byte
from components.data.propose.source_keys import SourceKeys
from components.data.sources import formats
from components.data.sources.formats.base import Sample
from components.data.sources.formats.conll import ELEMENT, are_even, are_quoted
from components.data.sources.formats.foreign import refuse
from components.data.sources.formats.packed import SHEETS, opened
from components.errors import UserError

SAMPLE = 4_000_000  # bytes
OLD_SHEET = bytes.fromhex("d0cf11e0a1b11ae1")  # of Excel before 2007
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream has no other mark
}
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as that of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
SEVERAL = ["gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"]
ENCODINGS = ["cp1252", "mac_roman", "cp1250", "cp1251", *SEVERAL]
FEWEST_GAPS, MOST_BESIDE = 3, 6  # blank lines between sentences, and columns between commas
FEWEST_LETTERS = 5  # beyond ASCII, by which a text is UTF-8
UNSAID = ("utf-8", "utf-8-sig")  # encodings that every reader takes without being told
TEXT_HINT = "expected CSV, TSV, JSON Lines, Parquet, Arrow, CoNLL or SQuAD JSON"


def source_of_file(path: Path) -> SourceKeys:
    """The keys of a task's `source`, but for its path, that read the file, which is no workbook.

    Raises:
        UserError: it is empty, or in none of the formats.
    """
    refuse(path, markup=True)
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

        if found := _several_bytes(data) or single_byte(data):
            return found
        raise UserError(
            f"{path}: byte 0x{data[error.start]:02x} at {error.start} is no UTF-8, and no other encoding "
            f"fits; {TEXT_HINT}"
        ) from None


def _several_bytes(data: bytes) -> str | None:
    """One of the encodings of Chinese, Japanese and Korean, whose letters have several bytes, if it is."""
    from charset_normalizer import from_bytes

    matches = list(from_bytes(data[:200_000], cp_isolation=ENCODINGS))
    best = min(((each.chaos, -each.coherence) for each in matches), default=None)
    equals = [each for each in matches if (each.chaos, -each.coherence) == best]
    names = {name for each in equals for name in each.could_be_from_charset} & set(ENCODINGS)
    found = min(names, key=ENCODINGS.index, default=None)  # the commoner one comes first
    return found if found in SEVERAL else None


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
        return {"format": "jsonl" if _is_row_a_line(start) else one}
    for_reading.refuse(path, text)
    if _is_conll(text):
        return {"format": "conll", **_columns_of_words(text)}
    if separator := _between_words(text):
        return {"format": "conll", "separator": separator, **_columns_of_words(text, separator)}
    found = delimited(text)
    for_reading.refuse_several_signs(path, text, single=found["format"] == "tsv")
    if problem := uneven(text, found):
        raise UserError(f"{path}: {problem}")
    return found


def _columns_of_words(text: str, separator: str = "") -> SourceKeys:
    """The names of the columns, where the first line says them, as TOKEN and NE-COARSE-LIT in HIPE; and the
    sign between them where they stand in quotes."""
    words = [line.split("\t" if "\t" in line else None) for line in text.splitlines()[:LINES] if line.strip()]
    if not separator and are_quoted(words):
        separator = "\t" if len(words[0]) == text.partition("\n")[0].count("\t") + 1 else " "
        return {"separator": separator, **_columns_of_words(text, separator)}
    first = text.lstrip("\ufeff \r\n").partition("\n")[0].rstrip("\r")
    names = first.split(separator or ("\t" if "\t" in first else None))
    names = [name.strip('"') for name in names]
    said = {name.lower() for name in names}
    named = bool(said & {"token", "tokens", "word", "words", "form"}) and len(said) == len(names)
    return {"header": names} if named and "O" not in names and first[:1] != "#" else {}


def _between_words(text: str) -> str:
    """The sign between a word and its tags, where blank lines stand between sentences; empty where the lines
    are no words."""
    lines = text.splitlines()[:LINES]
    for sign in (",", ";"):
        rows = list(csv.reader(lines, delimiter=sign))
        words = [row for row in rows if any(row)]
        inner = [any(row) for row in rows]
        gaps = inner[: len(inner) - inner[::-1].index(True)].count(False) if words else 0
        even = len({len(row) for row in words}) == 1 and 1 < len(words[0]) <= MOST_BESIDE
        single = all(len(field.split()) < 2 for row in words for field in row)
        tagged = sum("O" in row[1:] for row in words) > len(words) / 10
        if even and single and tagged and FEWEST_GAPS <= gaps < len(words) / 2:
            return sign
    return ""


def _is_row_a_line(text: str) -> bool:
    """Is the first line an object, or a list, with others after it?"""
    first, _, rest = text.partition("\n")
    one, other = first.strip(), rest.lstrip()
    return (
        bool(other) and one[-1:] == {"{": "}", "[": "]"}.get(one[:1]) and (one[0] == "{" or other[0] == "[")
    )


def _is_conll(text: str) -> bool:
    """One word and its columns a line, blank lines between sentences."""
    some = ("" if ELEMENT.fullmatch(line.strip()) else line for line in text.splitlines()[:LINES])
    lines = [line for line in some if not line.startswith(("-DOCSTART-", "#"))]
    full = [line.split("\t") if "\t" in line else line.split() for line in lines if line.strip()]
    inner = "\n".join(lines).strip().split("\n")
    blank = sum(not line.strip() for line in inner)
    if not full or blank < 1 or blank > len(full) or len(full) / (blank + 1) > 200:
        return False
    single = sum(all(len(field.split()) == 1 for field in fields) for fields in full)
    return single >= ALIKE * len(full) and are_even(inner)
