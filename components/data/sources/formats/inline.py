"""Texts, one a line, with their spans marked within: `[Paris](city)`, `<LOC>Paris</LOC>`, MUC's
`<ENAMEX TYPE="LOCATION">Paris</ENAMEX>`, OpenNLP's `<START:location> Paris <END>` and MASSIVE's
`[place : Paris]`; and such texts in a column of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
MARKED = re.compile(
    rf"\[(?P<said>[^][]+)\]\((?P<link>[^\W\d][\w.-]*){VALUE}\)"
    rf'|<(?P<muc>ENAMEX|NUMEX|TIMEX) TYPE="(?P<kind>{TYPE})"[^>]*>(?P<named>[^<]+)</(?P=muc)>'
    rf"|\[(?P<slot>{TYPE}) : (?P<value>[^][]+)\]"
    r"|<START(?::(?P<begun>[^>\s]+))?>\s*(?P<between>[^<]+?)\s*<END>"
    rf"|<(?P<tag>{TYPE})>(?P<inner>[^<]+)</(?P=tag)>"
)
# A mark without its other half, or a word such as <unk>.
LEFT = re.compile(rf"<(?P<begun>START):[^>\s]+>|</?(?P<kind>{TYPE})>")
NO_WORDS = {"START", "END", "ENAMEX", "NUMEX", "TIMEX"}
ValueAt = Callable[[Mapping[str, Any], str], Any]  # (a row's fields, a column) -> its value
SPANS = "spans"  # the column of what is marked
NO_TYPE = "default"  # OpenNLP's name of it
TEXTS = ("said", "named", "value", "between", "inner")
TYPES = ("link", "kind", "slot", "begun", "tag")
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
    marks = _marks(lines(path, source.encoding))
    for number, line in enumerate(lines(path, source.encoding), 1):
        if line.strip():
            found = _marked(line.strip(), "text", marks)
            yield number, found if isinstance(found, Skipped) else Document(found)


def with_spans(rows: Callable[[], Numbered], path: Path, column: str, value_at: ValueAt) -> Numbered:
    """A table's rows with the column's text without its marks, and the new column `spans`; the rows are read
    twice.

    Raises:
        UserError: there is a column of that name already.
    """
    texts = (value_at(fields, column) for _, fields in rows())
    marks = _marks(text for text in texts if isinstance(text, str))
    for number, fields in rows():
        text = value_at(fields, column)
        if SPANS in fields:
            raise UserError(f"{path}: source.inline makes a column '{SPANS}', which is there; rename that")
        if isinstance(text, str) and text.strip():  # else there are no spans: such a row may have no value
            found = _marked(text, column, marks)
            yield number, found if isinstance(found, Skipped) else {**fields, **found}
        else:
            yield number, fields if isinstance(fields, Skipped) else {**fields, SPANS: None}


def _marked(text: str, column: str, marks: set[str]) -> Values:
    """The text and its spans, or what is wrong with it."""
    bare, spans = taken_out(text)
    halves = [one[0] for one in LEFT.finditer(bare) if (one["begun"] or one["kind"]) in marks]
    return Unreadable(f"'{halves[0]}' without its other half") if halves else {column: bare, SPANS: spans}


def _marks(texts: Iterable[str]) -> set[str]:
    """What marks spans in some of the texts, where `<unk>` or `<b>` may be a word."""
    return {*(span["type"] for text in texts for span in taken_out(text)[1]), *NO_WORDS}


def taken_out(line: str) -> tuple[str, list[Span]]:
    """The text without its marks, and what they mark, in characters of it."""
    text, end = "", 0
    spans: list[Span] = []
    for found in MARKED.finditer(line):
        said = next(found[name] for name in TEXTS if found[name] is not None)
        kind = next((found[name] for name in TYPES if found[name] is not None), NO_TYPE)
        text += line[end : found.start()]
        spans.append({"start": len(text), "end": len(text) + len(said), "type": kind, "text": said})
        text, end = text + said, found.end()
    return text + line[end:], spans


def _is_inline(sample: Sample) -> bool:
    some = [line.strip() for line in sample.lines[:LINES] if line.strip()]
    other = sample.path.suffix.lower() in OTHERS or sample.text.lstrip().startswith("{")
    return not other and are_marked(some)


def are_marked(texts: Sequence[str]) -> bool:
    """Have many texts a span, few types among them, and none of a page's?"""
    some = texts[:LINES]
    if not some:
        return False
    taken = [taken_out(line) for line in some]
    types = Counter(span["type"] for _, spans in taken for span in spans)
    with_one = sum(bool(spans) for _, spans in taken)
    words = sum(len(text.split()) for text, _ in taken) / len(taken)
    sure = types.total() >= FEWEST and with_one >= SHARE * len(some) and words > WORDS
    return sure and types.total() >= REPEATED * len(types) and HTML.isdisjoint(map(str.lower, types))


FORMATS = {"inline": Format(read_inline, _is_inline)}
