"""Texts, one a line, with their spans marked within: `[Paris](city)`, `<LOC>Paris</LOC>`, MUC's
`<ENAMEX TYPE="LOCATION">Paris</ENAMEX>`, OpenNLP's `<START:location> Paris <END>`, MASSIVE's
`[place : Paris]`, YEDDA's `[@Paris#place*]` and, where nothing else is marked, the brackets of the Illinois
tagger, `[LOC Paris]`; and such texts in a column of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered, Skipped, Unreadable, Values
from components.errors import UserError
from components.settings.data import Source

TYPE = r"[^\W\d][\w.:-]*"
VALUE = r"(?::(?!//)[^()@]*)?"  # what Rasa calls it otherwise: [two](number:2); an address is none
MUC = "[A-Z][A-Z_]+3?|enamex|numex|timex"  # elements whose attribute says the type: ENAMEX, PHI, TIMEX3
MARKED = re.compile(
    rf"\[(?P<said>[^][]+)\]\((?P<link>[^\W\d][\w.-]*){VALUE}\)"
    rf"|<(?P<muc>{MUC})\b[^<>]*?\s(?i:type)=(?P<sign>[\"'])(?P<kind>{TYPE})(?P=sign)[^>]*>"
    r"(?P<named>[^<]+)</(?P=muc)>"
    rf"|\[(?P<slot>{TYPE}) : (?P<value>[^][]+)\]"
    rf"|\[@(?P<marked>[^][]+?)#(?P<sort>{TYPE})\*\]"
    r"|<START(?::(?P<begun>[^>\s]+))?>\s*(?P<between>[^<\s](?:[^<]*[^<\s])?)\s*<END>"
    rf"|<(?P<tag>{TYPE})>(?P<inner>[^<]+)</(?P=tag)>"
)
# Brackets are signs of any text as well: they mark where nothing else does, and their types are capitals.
BRACKETED = re.compile(r"\[(?P<bracket>[A-Z][A-Z_-]+) (?P<held>[^][]*[^][\s])\s*\]")
# A mark without its other half, or a word such as <unk>.
LEFT = re.compile(
    rf"<(?P<begun>START):[^>\s]+>|</?(?P<kind>{TYPE})(?:\s[^<>]*)?>|\[(?P<bracket>[A-Z][A-Z_-]+)(?= )"
)
WRAPPED = re.compile(r"<(s|p|sentence|sent)(?:\s[^>]*)?>\s*(.*?)\s*</\1>")  # a sentence that is marked as one
NO_WORDS = {"START", "END", "ENAMEX", "NUMEX", "TIMEX"}
ValueAt = Callable[[Mapping[str, Any], str], Any]  # (a row's fields, a column) -> its value
SPANS = "spans"  # the column of what is marked
NO_TYPE = "default"  # OpenNLP's name of it
TEXTS = ("said", "named", "value", "marked", "between", "inner", "held")
TYPES = ("link", "kind", "slot", "sort", "begun", "tag", "bracket")
# Tags of a page's own words, and of what else marks parts of a text.
HTML = {
    *("a", "b", "i", "u", "p", "s", "q", "em", "br", "hr", "tt", "li", "ul", "ol", "td", "tr", "th", "div"),
    *("span", "strong", "small", "sub", "sup", "code", "pre", "font", "e1", "e2"),
}
# Endings of files whose lines are no texts.
OTHERS = {".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".html", ".xml", ".yml", ".yaml", ".md"}
LINES = 500  # that a file is recognised by
FEWEST = 5  # spans in them
SHARE = 0.1  # of the lines that have one
REPEATED = 2.0  # times that a type occurs, on average
WORDS = 2.0  # of a line without its spans, on average


def read_inline(path: Path, source: Source) -> Numbered:
    """`text` without the marks, and its `spans`, a line each."""
    marks = Marks.of(line for _, line in _sentences(path, source))
    for number, line in _sentences(path, source):
        found = marks.read(line, "text")
        yield number, found if isinstance(found, Skipped) else Document(found)


def with_spans(rows: Callable[[], Numbered], path: Path, column: str, value_at: ValueAt) -> Numbered:
    """A table's rows with the column's text without its marks, and the new column `spans`; the rows are read
    twice.

    Raises:
        UserError: there is a column of that name already.
    """
    texts = (value_at(fields, column) for _, fields in rows())
    marks = Marks.of(text for text in texts if isinstance(text, str))
    for number, fields in rows():
        text = value_at(fields, column)
        if SPANS in fields:
            raise UserError(f"{path}: source.inline makes a column '{SPANS}', which is there; rename that")
        if isinstance(text, str) and text.strip():  # else there are no spans: such a row may have no value
            found = marks.read(text, column)
            yield number, found if isinstance(found, Skipped) else {**fields, **found}
        else:
            yield number, fields if isinstance(fields, Skipped) else {**fields, SPANS: None}


@dataclass(frozen=True)
class Marks:
    """How the spans of a file, or of a column, are marked."""

    pattern: re.Pattern[str]
    types: frozenset[str]  # what marks spans in some of the texts, where `<unk>` or `<b>` may be a word

    @classmethod
    def of(cls, texts: Iterable[str]) -> Marks:
        types: dict[re.Pattern[str], set[str]] = {MARKED: set(), BRACKETED: set()}
        for text in texts:
            for pattern, found in types.items():
                marks = pattern.finditer(text)
                found.update(
                    name for mark in marks for name in (_kind(mark), mark.groupdict().get("muc")) if name
                )
        pattern = BRACKETED if types[BRACKETED] and not types[MARKED] else MARKED
        return cls(pattern, frozenset(types[pattern] | NO_WORDS))

    def read(self, text: str, column: str) -> Values:
        """The text and its spans, or what is wrong with it."""
        bare, spans = taken_out(text, self.pattern)
        halves = [one[0] for one in LEFT.finditer(bare) if self._marks(one)]
        said = f"'{halves[0]}' without its other half" if halves else ""
        return Unreadable(said) if said else {column: bare, SPANS: spans}

    def _marks(self, half: re.Match[str]) -> bool:
        """Is it one of a span, rather than a word? Where brackets mark, each that is left is one."""
        return half[half.lastgroup or 0] in self.types or (
            half.lastgroup == "bracket" and self.pattern is BRACKETED
        )


def taken_out(line: str, pattern: re.Pattern[str] = MARKED) -> tuple[str, list[Span]]:
    """The text without its marks, and what they mark, in characters of it."""
    text, end = "", 0
    spans: list[Span] = []
    for found in pattern.finditer(line):
        said = next(value for name, value in found.groupdict().items() if value is not None and name in TEXTS)
        text += line[end : found.start()]
        spans.append({"start": len(text), "end": len(text) + len(said), "type": _kind(found), "text": said})
        text, end = text + said, found.end()
    return text + line[end:], spans


def _kind(mark: re.Match[str]) -> str:
    return next((value for name, value in mark.groupdict().items() if value and name in TYPES), NO_TYPE)


def _sentences(path: Path, source: Source) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    for number, line in enumerate(lines(path, source.encoding), 1):
        if line.strip():
            yield number, _bare(line)


def _bare(line: str) -> str:
    found = WRAPPED.fullmatch(line.strip())
    return found[2] if found else line.strip()


def _is_inline(sample: Sample) -> bool:
    some = [_bare(line) for line in sample.lines[:LINES] if line.strip()]
    other = sample.path.suffix.lower() in OTHERS or sample.text.lstrip().startswith("{")
    return not other and are_marked(some)


def are_marked(texts: Sequence[str]) -> bool:
    """Have many texts a span, few types among them, and none of a page's?"""
    some = texts[:LINES]
    if not some:
        return False
    pattern = Marks.of(some).pattern
    taken = [taken_out(line, pattern) for line in some]
    types = Counter(span["type"] for _, spans in taken for span in spans)
    with_one = sum(bool(spans) for _, spans in taken)
    words = sum(len(text.split()) for text, _ in taken) / len(taken)
    sure = types.total() >= FEWEST and with_one >= SHARE * len(some) and words > WORDS
    sure = sure and len(types) > (pattern is BRACKETED)  # several: [ABC News] may say where each text is from
    return sure and types.total() >= REPEATED * len(types) and HTML.isdisjoint(map(str.lower, types))


FORMATS = {"inline": Format(read_inline, _is_inline)}
