"""Places in a text as tools count them -> characters; and, where they are wrong, which setting is right.

A tool in JavaScript or Java counts UTF-16 units, one in Go or Rust bytes; some ends stand in the span; and a
text that was read with other line ends, or without its byte order mark, has other places.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from components.data.sources.record import Values
from components.errors import BadRowError
from components.settings.data import Source

Span = Values  # start, end and, where the tool says what stands there, text
# Scripts whose words do not stand between spaces, and Korean, whose particles belong to no name.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uac00-\ud7af"
    "\U00020000-\U0003ffff]"
)


class MisplacedError(BadRowError):
    """A span that does not stand where it is said to."""


@dataclass(frozen=True)
class Counting:
    """How a tool counts."""

    offsets: tuple[str, ...] = ("characters",)
    inclusive: bool = False

    @classmethod
    def of(cls, source: Source) -> Counting:
        given = source.offsets if isinstance(source.offsets, list) else [source.offsets]
        return cls(tuple(given), source.end == "inclusive")

    @property
    def plain(self) -> bool:
        """Are places what they are in Python?"""
        return self == Counting()

    @property
    def unit(self) -> str:
        """What is counted."""
        return next((each for each in self.offsets if each in UNITS), "characters")

    @property
    def setting(self) -> str:
        """What params.yaml says of it below `source`."""
        named = ", ".join(self.offsets)
        named = f"[{named}]" if len(self.offsets) > 1 else named
        parts = [f"offsets: {named}"] if self.offsets != ("characters",) else []
        return ", ".join([*parts, "end: inclusive"] if self.inclusive else parts) or "offsets: characters"

    def place(self, text: str, span: Mapping[str, Any], what: str = "a span") -> Span:
        """The span with its places in characters.

        Raises:
            BadRowError: a place that is none.
            MisplacedError: it is outside the text, or within a character.
        """
        start, end = span["start"], span["end"]
        if any(type(each) is not int for each in (start, end)):
            raise BadRowError(f"{what} is {start!r:.20} to {end!r:.20}, expected whole numbers")
        bounds = _bounds(text, self.offsets)
        end += self.inclusive
        first, last = bisect_right(bounds, start) - 1, bisect_left(bounds, end)
        if start < bounds[0] or bounds[first] != start or last == len(bounds) or bounds[last] != end:
            raise MisplacedError(
                f"{what} is {start} to {span['end']}, expected places in the text's {bounds[-1]} {self.unit}"
            )
        return {**span, "start": first, "end": last}

    def of_text(self, text: str) -> Counting:
        """The same without what makes no difference in this text."""
        return Counting(tuple(each for each in self.offsets if MATTERS[each](text)), self.inclusive)

    def fits(self, text: str, span: Mapping[str, Any], bare: bool = False) -> bool:
        """Does the span begin and end between words (`bare`: and with no blank), or, where its tool says what
        stands there, does that?"""
        try:
            found = self.place(text, span)
        except BadRowError:
            return False
        there = text[found["start"] : found["end"]]
        if isinstance(said := span.get("text"), str):
            return _same(there, said) and (not bare or there == there.strip() or said != said.strip())
        clean = there == there.strip() if bare else bool(there.strip())
        return clean and not cuts(text, found["start"], found["end"])


UNITS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "utf16": lambda one: 1 + (one > "\uffff"),
    "bytes": lambda one: len(one.encode("utf-8", "surrogatepass")),
}
MATTERS: dict[str, Callable[[str], bool]] = {  # in which texts it makes a difference
    "characters": lambda text: False,
    "utf16": lambda text: not text.isascii() and max(text) > "\uffff",
    "bytes": lambda text: not text.isascii(),
    "lf": lambda text: "\r\n" in text,
    "crlf": lambda text: "\n" in text,
    "bom": lambda text: True,
    "no_bom": lambda text: text.startswith("\ufeff"),
}
OTHERS = [  # from the likeliest on
    Counting(("utf16",)),
    Counting(inclusive=True),
    Counting(("bytes",)),
    *(Counting((ends,)) for ends in ("lf", "crlf", "bom", "no_bom")),
    Counting(("utf16",), inclusive=True),
    Counting(("bom",), inclusive=True),  # as of whoever counts from 1, the last character among them
    *(Counting((unit, ends)) for unit in ("utf16", "bytes") for ends in ("lf", "crlf", "bom", "no_bom")),
]


def _bounds(text: str, offsets: tuple[str, ...]) -> Sequence[int]:
    """What is counted before each character of the text, and before its end."""
    some = Counting(offsets).of_text(text).offsets
    return _counted(text, some) if some else range(len(text) + 1)


@lru_cache(maxsize=32)
def _counted(text: str, offsets: tuple[str, ...]) -> list[int]:
    width = UNITS[Counting(offsets).unit]
    bounds = [width("\ufeff") if "bom" in offsets else 0]
    for place, one in enumerate(text):
        silent = one == "\r" and "lf" in offsets and text.startswith("\n", place + 1)
        silent |= one == "\ufeff" and place == 0 and "no_bom" in offsets
        more = one == "\n" and "crlf" in offsets and text[place - 1 : place] != "\r"
        bounds.append(bounds[-1] + (0 if silent else width(one) + more))
    return bounds


def cuts(text: str, start: int, end: int) -> bool:
    """Does the span begin or end inside a word?"""
    return any(0 < place < len(text) and _in_word(text, place) for place in (start, end))


def _in_word(text: str, place: int) -> bool:
    """Two letters, or two digits, of a script whose words stand apart; "5kg" may well be two."""
    left, right = text[place - 1], text[place]
    alike = (left.isalpha() and right.isalpha()) or (left.isdigit() and right.isdigit())
    return alike and not UNSPACED.search(left + right)


def _same(there: str, said: str) -> bool:
    """But for blanks: tools write line ends as they like."""
    return _blanks(there) == _blanks(said)


def _blanks(text: str) -> str:
    return " ".join(text.replace("\\n", " ").split())


def check_surface(text: str, spans: Iterable[Mapping[str, Any]]) -> None:
    """Hold placed spans to what their tool says stands there.

    Raises:
        MisplacedError: another text stands there.
    """
    for number, span in enumerate(spans, 1):
        said, there = span.get("text"), text[span["start"] : span["end"]]
        if isinstance(said, str) and not _same(there, said):
            raise MisplacedError(
                f"span {number}, {span['start']} to {span['end']}, is {there!r:.40} in the text and "
                f"{said!r:.40} in the export"
            )


@dataclass
class Tally:
    """How many spans fit, under the setting in force and under others."""

    counting: Counting
    spans: int = 0
    wrong: int = 0
    first: str = ""  # where the first that does not fit stands, and what it is
    fitting: dict[Counting, int] = field(default_factory=dict)  # of those that do not fit
    harmed: dict[Counting, int] = field(default_factory=dict)  # of those that fit, by another counting

    def add(self, place: str, text: str, spans: Iterable[Mapping[str, Any]]) -> None:
        """Count the spans of a text, as its tool gives them."""
        alike: dict[Counting, list[Counting]] = {}  # those that count this text in one way
        for other in OTHERS:
            alike.setdefault(other.of_text(text), []).append(other)
        for span in spans:
            self.spans += 1
            right = self.counting.fits(text, span)
            if not right:
                self.wrong += 1
                self.first = self.first or f"{place} ({_shown(text, span, self.counting)})"
            kept = self.harmed if right else self.fitting
            for counting, others in alike.items():
                if counting.fits(text, span, bare=True) != right:
                    kept |= {other: kept.get(other, 0) + 1 for other in others}

    @property
    def better(self) -> Counting | None:
        """The first setting under which nearly all spans that do not fit do, and hardly one that does not."""
        for other in OTHERS:
            wrong = self.wrong - self.fitting.get(other, 0) + self.harmed.get(other, 0)
            if other != self.counting and self.wrong and wrong <= 0.1 * self.wrong:
                return other
        return None

    @property
    def advice(self) -> str:
        """What to write below `source`; where nothing helps, nothing."""
        return f"; `{self.better.setting}` below source reads them" if self.better else ""


def _shown(text: str, span: Mapping[str, Any], counting: Counting) -> str:
    try:
        found = counting.place(text, span)
    except BadRowError as error:
        return str(error)
    return repr(text[found["start"] : found["end"]])
