"""How a table of lines is read: its separator and quotes, its header, and what stands above it."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from components.data.propose.names import are_columns, is_known
from components.data.propose.profile import Column
from components.data.propose.source_keys import SourceKeys
from components.data.sources.formats.text import quotes_behind_blanks

LINES = 1000
SEPARATORS = "\x01\t,;|~^"  # the first one is Hive's; of equals the first is taken
ALIKE = 0.9  # share of the lines that must agree on a format
LONGEST_NAME = 80  # characters of a column's name
NAMING = 4  # words of a name that says what the column holds
PREAMBLE = 12  # lines above a header
FIGURES = re.compile(r"[-+]?[\d.]+")
SMALL = 0.5  # share of the fields that begin so, as what stands behind a comma in a sentence does
SURVEY = {"Response", "Open-Ended Response"}  # what SurveyMonkey writes in the row below its header
IMPORT = '{"ImportId"'  # begins what Qualtrics writes in the second row below its header
SIGN = "sep="  # begins the line by which a spreadsheet is told the separator
ABOVE = 0.001  # what each of them takes from a separator's share: rather none


def delimited(text: str) -> SourceKeys:
    """CSV or TSV, by the separator at which most lines fall into equally many fields."""
    best: tuple[tuple[float, bool, int], str, list[list[str]]] = ((0.0, False, 0), "\t", [])
    escape = "\\" if re.search(r'[^\\]\\"', text) else None
    spaced = text.startswith('"') and '" "' in text.partition("\n")[0]
    for quoting in (True, False):
        for separator in SEPARATORS + " " * spaced:
            rows = _rows(text, separator, quoting, escape if quoting else None)
            width, share = _width(rows)
            fit = (share, quoting, -_as_in_texts(rows, width, separator))
            if width > 1 and share >= ALIKE and fit > best[0]:
                best = (fit, separator, rows)
    (_, quoting, _), separator, rows = best
    if not quoting and (single := _in_quotes(text, separator, escape)):
        separator, quoting, rows = ",", True, single
    elif separator == "," and _is_prose(rows):
        separator, quoting, rows = "\t", False, []
    rows = rows or _rows(text, separator, quoting, None)
    found: SourceKeys = {"format": "tsv" if separator == "\t" else "csv"}
    if separator not in "\t,":
        found["separator"] = separator
    if not quoting:
        found["quoting"] = False
    elif escape:
        found["escape"] = escape
    return {**found, **_header(rows)}


def _as_in_texts(rows: list[list[str]], width: int, separator: str) -> int:
    """Before how many columns the separator stands as it does in sentences and numbers, in every row: a blank
    behind it, or a comma between digits. Of two that fit as well, the other is meant; no text has a tab."""
    if separator.isspace() or not separator.isprintable():
        return 0
    full = [row for row in rows if len(row) == width]
    return sum(
        all(
            behind[:1] == " " or (separator == "," and _is_decimal(before, behind))
            for before, behind in (row[place - 1 : place + 1] for row in full)
        )
        for place in range(1, width)
    )


def _is_decimal(before: str, behind: str) -> bool:
    """Is the comma between them one within a number, beside which another separator stands?"""
    apart = FIGURES.fullmatch(before) and FIGURES.fullmatch(behind)
    return before[-1:].isdigit() and behind[:1].isdigit() and not apart


def _in_quotes(text: str, separator: str, escape: str | None) -> list[list[str]]:
    """The rows of a single column, with commas within its quotes; none where it is not so."""
    if not (separator == "," and '"' in text) and not re.search(r'(?m)^[ \t]*"', text):
        return []
    rows = _rows(text, ",", True, escape)
    fields = [field for row in rows for field in row]
    return rows if len(fields) == sum(map(any, rows)) and any("," in field for field in fields) else []


def _is_prose(rows: list[list[str]]) -> bool:
    """Are they lines with as many commas each, as in sentences, rather than fields: behind each stands a
    blank and mostly a small letter, and what stands there is no class, which would be there again?"""
    behind = [field for row in rows for field in row[1:]]
    if not rows or are_columns(rows[0]) or not all(field[:1] == " " for field in behind):
        return False
    small = sum(field[1:2].islower() for field in behind)
    return small > SMALL * len(behind) and all(
        len({row[place] for row in rows if len(row) > place}) > len(rows) / 2 for place in range(len(rows[0]))
    )


def uneven(text: str, found: SourceKeys) -> str:
    """What is wrong with rows that have not the fields of their header, which says by names we know what they
    are; empty where the header was found."""
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    for sign in ",;|":
        names = first.split(sign)
        if not are_columns(names) or "\t" in first or not _is_lost(found, len(names)):
            continue
        rows = [row for row in _rows(text, sign, '"' in text, None)[1:] if row]
        wrong = [len(row) for row in rows if len(row) != len(names)]
        if wrong:
            return (
                f"{len(wrong)} of {len(rows)} rows have other fields than the {len(names)} of the header, "
                f"'{first}', as a row with {wrong[0]}; is a '{sign}' within a text unquoted?"
            )
    return ""


def _is_lost(found: SourceKeys, names: int) -> bool:
    """Was the header taken for a single column, or for a title above others?"""
    header = found.get("header", [])
    above = found.get("skip_after_header") == 1 and header == [
        f"column_{n}" for n in range(1, len(header) + 1)
    ]
    return (above and len(header) != names) or (found["format"] == "tsv" and not header)


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
    return header_of(rows, _below_titles(rows, _first(rows, width)))


def _below_titles(rows: list[list[str]], first: int) -> int:
    """The row of the names, where one above it has a title alone, and separators to its end as spreadsheets
    write them."""
    width = len(rows[first])
    filled = [sum(map(bool, row)) for row in rows[first : first + PREAMBLE]]
    names = next((row for row, often in enumerate(filled[1:], first + 1) if often), first)
    titled = width > 2 and filled[0] == 1 and all(rows[names])
    return (
        names
        if titled and len(rows[names]) == width and _is_header(rows[names], _body(rows, names))
        else first
    )


def header_of(rows: list[list[str]], first: int) -> SourceKeys:
    """The same, where the row is known in which the names or, without any, the first values stand."""
    width = len(rows[first])
    names = [name.strip() for name in rows[first]]
    unnamed = first and len(rows[first - 1]) == width - 1 and _number_rows(rows[first:])
    if unnamed and not _is_header(rows[first], _body(rows, first)):
        above = ["rownames", *(name.strip() for name in rows[first - 1])]  # R has no name for those of rows
        return {"header": _distinct(above), "skip_after_header": first}
    if above := _names_above(rows, first):
        return {"header": _distinct(above), "skip_after_header": first + 2 * (len(rows[0]) == width)}
    if beside := _asides(rows, first):
        rows = [*rows[: first + 1], *rows[first + 1 + beside :]]
        found = header_of(rows, first)
        return {**found, "skip_after_header": found.get("skip_after_header", 0) + beside}
    if _names_again(names, rows[first + 1 :]):
        return header_of(rows, first + 1)
    if not _is_header(rows[first], _body(rows, first)):
        lost: SourceKeys = {"skip_after_header": first} if any(map(any, rows[:first])) else {}
        return {"header": [f"column_{number}" for number in range(1, width + 1)], **lost}
    given = [name for name in names if name]
    told = any(map(any, rows[:first])) or len(set(given)) < len(given)
    return {"header": _distinct(names), "skip_after_header": first + 1} if told else {}


def _names_above(rows: list[list[str]], first: int) -> list[str]:
    """The names, where they are those of two rows, or a sign stands behind each row but for the header."""
    width = len(rows[first])
    if first == 1 and len(rows[0]) == width - 1 and not any(row[-1] for row in rows[1:] if len(row) == width):
        return [*(name.strip() for name in rows[0]), ""]
    return merged_names(rows[first:])


def _asides(rows: list[list[str]], first: int) -> int:
    """How many rows below the names are no values, as Qualtrics and SurveyMonkey write them."""
    if any(field.startswith(IMPORT) for row in rows[first + 1 : first + 3] for field in row):
        return 2
    below = {field for row in rows[first + 1 : first + 2] for field in row}
    return int(bool(below & SURVEY) and below <= {"", *SURVEY})


def _names_again(names: list[str], below: list[list[str]]) -> bool:
    """Are there names in a second row, as pandas writes those of several levels, and do the first repeat?"""
    given = [name for name in names if name]
    own = [name.strip() for name in below[0] if name.strip()] if below else []
    repeated = len(set(given)) < len(given) and len(own) == len(set(own)) >= len(given) > 1
    short = all(len(name.split()) <= NAMING for name in own)
    return repeated and short and len(below[0]) == len(names) and _is_header(below[0], _body(below, 0))


def merged_names(rows: list[list[str]]) -> list[str]:
    """The names of two rows, of which the first one's stand above several of the second's, as spreadsheets
    and SurveyMonkey write them; empty where these are none."""
    if len(rows) < 3 or len(rows[1]) != len(rows[0]):
        return []
    above, below = ([name.strip() for name in row] for row in rows[:2])
    cells = list(zip(above, [*above[1:], "-"], below, strict=True))
    spans = any(not name and under for name, _, under in cells)
    aside = any(not under or under in SURVEY for under in below)
    fits = all(
        (name or under) and (not under or under in SURVEY or not name or not after)
        for name, after, under in cells
    )
    short = all(len(under.split()) <= NAMING and not _is_number(under) for under in below if under)
    said = [under if under and under not in SURVEY else name for name, _, under in cells]
    return said if spans and aside and fits and short else []


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
    found: dict[str, None] = {}
    copies: Counter[str] = Counter()
    own = set(names)
    for number, given in enumerate(names, 1):
        first = name = given or f"column_{number}"
        while name in found or (name != first and name in own):
            copies[first] += 1
            name = f"{first}_{copies[first] + 1}"
        found[name] = None
    return list(found)


def _rows(text: str, separator: str, quoting: bool, escape: str | None) -> list[list[str]]:
    """The first rows, blank lines among them; none where the quotes do not close."""
    lines = io.StringIO(text, newline="")
    rows: list[list[str]] = []
    full = 0
    try:
        for row in csv.reader(
            lines,
            delimiter=separator,
            quoting=csv.QUOTE_MINIMAL if quoting else csv.QUOTE_NONE,
            escapechar=escape,
            skipinitialspace=quoting and quotes_behind_blanks(io.StringIO(text), separator),
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
    short = [column for column in columns if len(column.name.split()) <= NAMING]
    if any(is_known(column.name) for column in short if column.name):
        return True
    longer = any(len(column.name.split()) < column.length / 2 for column in columns)
    return longer or any(column.numbers is not None for column in columns if column.values)


def _is_number(value: str) -> bool:
    """Is a field a number?"""
    return Column("", [value], 1).numbers is not None
