"""When two spellings are one: values of tables as texts, and labels that differ in nothing a reader sees."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, time
from decimal import Decimal
from functools import cache
from typing import Any

from components.errors import near_miss

# No glyph of their own: zero-width characters, joiners, marks of direction, byte order mark, soft hyphen.
INVISIBLE = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
INVISIBLE_CHARACTERS = frozenset(filter(re.compile(f"[{INVISIBLE}]").match, map(chr, range(0x10000))))
_ENDS = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "".join(sorted(INVISIBLE_CHARACTERS))
_UNSEEN = re.compile(rf"[\s{INVISIBLE}]+")
_TYPOGRAPHY = str.maketrans(  # and Turkish, whose capitals of i and ı have other small letters elsewhere
    {
        "\u0307": None,
        "ı": "i",
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict.fromkeys("‘’´`", "'"),
        **dict.fromkeys("“”„", '"'),
    }
)
LOOKALIKES = str.maketrans(  # Cyrillic and Greek letters that are drawn as a Latin one
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYXo",
)
_WHOLE = re.compile(r"[-+]?\d+\.0+")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d{1,2})?")


def trimmed(text: str) -> str:
    """The text without blanks and invisible characters at its ends."""
    return text.strip(_ENDS)


def is_blank(value: Any) -> bool:
    """Missing: null, NaN, or a text of which nothing is seen."""
    if isinstance(value, str):
        return not trimmed(value)
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124


def column_names(columns: Iterable[str]) -> str:
    """Columns of a table in a sentence; one may have no name."""
    return ", ".join(name if trimmed(name) else "one without a name" for name in columns)


def is_whole(text: str) -> bool:
    """A whole number that was written as a float: pandas makes 1.0 of 1 where a value is missing."""
    return _WHOLE.fullmatch(text) is not None


def plain(value: Any) -> str:
    """A value of a table as a text: a whole float is its integer, and a date's midnight is the date."""
    if is_blank(value):
        return ""
    if isinstance(value, float | Decimal) and value % 1 == 0:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return str(value.date())
    return trimmed(str(value))


def seen(label: str) -> str:
    """What a reader sees of a label, but for case, blanks, Unicode form, the dashes and quotes of typography
    and a number's zeros: labels of which this is the same are hardly meant to be two."""
    shown = _UNSEEN.sub("", unicodedata.normalize("NFKC", label)).casefold().translate(_TYPOGRAPHY)
    if not _NUMBER.fullmatch(shown):
        return shown
    number = Decimal(shown)
    return f"{number.normalize():f}" if number or "e" not in shown else shown


def drawn(label: str) -> str:
    """The same, where letters of other alphabets that look like Latin ones are these."""
    return seen(unicodedata.normalize("NFKC", label).translate(LOOKALIKES))


def unlike(wanted: object, labels: Iterable[str]) -> str:
    """A hint for who has written a label that is none of these; empty where there is none to give."""
    if isinstance(wanted, bool):
        return "; YAML reads yes, no, on and off as true and false: write the word in quotes"
    known, written = list(labels), str(wanted)
    alike = next((label for label in known if drawn(label) == drawn(written)), None)
    if alike is None or f"{alike}{written}".isascii():
        return near_miss(wanted, known)
    return f", which is written {wanted!a}; '{alike}', which looks alike, is written {alike!a}"


def script(text: str) -> str:
    """The writing system of most of a text's letters, by their names in Unicode: CYRILLIC; empty where it has
    none. Of languages that share one it says nothing."""
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else ""
    counts = Counter(filter(None, map(_script_of, text)))
    return counts.most_common(1)[0][0] if counts else ""


@cache
def _script_of(letter: str) -> str:
    """LATIN of LATIN SMALL LETTER A; empty for what is no letter."""
    return unicodedata.name(letter, "").partition(" ")[0] if letter.isalpha() else ""
