"""XML: a row for each element that repeats, or for each sentence or paragraph whose words are marked.

Of a table, as of SemEval's aspects (Pontiki et al. 2014), attributes and inner elements are the columns; of
a text, as of the Text Encoding Initiative or of MUC, inner elements are spans, called by `type` or name.
The layout is told by the beginning of the file, which is then read element by element.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from components.data.sources.documents import Document
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.inline import HTML
from components.data.sources.formats.packed import opened
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered, Values
from components.errors import UserError
from components.settings.data import Source

CHUNK = 1 << 16  # bytes that are parsed at a time
LOOKED = 20_000  # elements by which the layout is told
SENTENCES = {"s", "sent", "sentence", "p", "ab", "l", "u", "seg", "line"}  # hold a row's text, or are a row
NO_SPANS = HTML | {"lb", "pb", "cb", "hi", "w", "pc", "c", "note", "ref", "lg", *SENTENCES}
BEGIN = re.compile(
    r"(?:<\?xml|<!doctype(?!\s+html)|<([A-Za-z][\w.:-]*)(?:\s[^<>]*)?>\s*<[A-Za-z])", re.IGNORECASE
)
DECLARED = re.compile(
    rb"\s*(?:\xef\xbb\xbf)?\s*<[?!]"
)  # such a file has a root; else several may follow each other
Path_ = tuple[str, ...]  # the names of the elements around one, and its own


class _Rows(NamedTuple):
    """Which elements are rows: those of a path, or those of a name that hold text, wherever they are."""

    path: Path_
    anywhere: bool

    def has(self, path: Path_, element: Element) -> bool:
        return (path[-1] == self.path[-1] and _has_text(element)) if self.anywhere else path == self.path


def read_xml(path: Path, source: Source) -> Numbered:
    """The columns of the module's text; the file itself says its encoding.

    Raises:
        UserError: it is not well-formed, or nothing in it repeats.
    """
    rows = _rows(path)
    number = 0
    for number, element in enumerate(_found(path, rows), 1):
        yield number, _marked(element) if _is_marked(element) or rows.anywhere else _fields(element)
    if not number:
        raise UserError(f"{path}: no element of this XML repeats, expected one for each row")


def _rows(path: Path) -> _Rows:
    """Sentences or paragraphs of which some follow each other; else what repeats next to the root."""
    counts: Counter[Path_] = Counter()
    with_text: Counter[Path_] = Counter()
    for at, element in _elements(path):
        counts[at] += 1
        with_text[at] += _has_text(element)
        element.clear()  # but for its tail, which comes later
        if counts.total() == LOOKED:
            break
    several = [at for at, count in counts.items() if len(at) > 1 and count > max(counts[at[:-1]], 1)]
    texts = [at for at in several if at[-1].lower() in SENTENCES and with_text[at]]
    if texts:
        return _Rows(max(texts, key=counts.__getitem__), True)
    held = [at for at in several if at[-1].lower() in SENTENCES]
    nearest = min(held or several, key=lambda at: (len(at), -counts[at]), default=("",))
    return _Rows(nearest, False)


def _found(path: Path, rows: _Rows) -> Iterator[Element]:
    """The elements that are rows, each gone when the next one is there."""
    for at, element in _elements(path):
        if rows.has(at, element):
            yield element
            element.clear()
        elif not rows.anywhere and len(at) <= len(rows.path):
            element.clear()


def _elements(path: Path) -> Iterator[tuple[Path_, Element]]:
    """Each element when it ends, with its path.

    Raises:
        UserError: the file is not well-formed.
    """
    parser: XMLPullParser[Element] = XMLPullParser(["start", "end"])
    at: list[str] = []
    try:
        for piece in _pieces(path):
            parser.feed(piece)
            for event, element in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                element.tag = element.tag.rpartition("}")[2]  # of a namespace
                if event == "start":
                    at.append(element.tag)
                else:
                    yield tuple(at), element
                    at.pop()
        parser.close()
    except ParseError as error:
        raise UserError(f"{path}: XML that is not well-formed ({error}), so it cannot be read") from None


def _pieces(path: Path) -> Iterator[bytes]:
    """The file's bytes; around elements that follow each other without a root, as of MUC, there is one."""
    with opened(path) as file:
        piece = file.read(CHUNK)
        whole = DECLARED.match(piece) is not None
        yield b"" if whole else b"<several>"
        while piece:
            yield piece
            piece = file.read(CHUNK)
        yield b"" if whole else b"</several>"


def _has_text(element: Element) -> bool:
    """Do words stand in it, rather than in the elements within?"""
    return any(text and text.strip() for text in (element.text, *(inner.tail for inner in element)))


def _is_marked(element: Element) -> bool:
    return len(element) > 0 and _has_text(element)


def _marked(element: Element) -> Document:
    """The text, a blank for all that stand together, and its spans; attributes are columns."""
    parts: list[str] = []
    spans: list[Span] = []
    _take(element, parts, spans)
    text = "".join(parts)
    end = len(text.rstrip())
    spans = [{**span, "end": min(span["end"], end)} for span in spans]
    spans = [
        {**span, "text": text[span["start"] : span["end"]]} for span in spans if span["start"] < span["end"]
    ]
    return Document({**_attributes(element), "text": text[:end], "spans": spans})


def _take(element: Element, parts: list[str], spans: list[Span]) -> None:
    """Append the texts of an element, and what its inner ones mark."""
    _append(element.text, parts)
    for inner in element:
        start, place = sum(map(len, parts)), len(spans)
        _take(inner, parts, spans)
        end = sum(map(len, parts))
        if inner.tag.lower() not in NO_SPANS and end > start:
            spans.insert(place, {"start": start, "end": end, "type": _type(inner)})
        _append(inner.tail, parts)


def _append(text: str | None, parts: list[str]) -> None:
    """Blanks of a file that is laid out in lines are one."""
    joined = re.sub(r"\s+", " ", text or "")
    begins = not parts or parts[-1].endswith(" ")
    if joined := joined.lstrip() if begins else joined:
        parts.append(joined)


def _type(element: Element) -> str:
    """Its attribute `type`, as of ENAMEX or `rs`; else its name."""
    return next((value for name, value in element.attrib.items() if name.lower() == "type"), element.tag)


def _attributes(element: Element) -> Values:
    """Without their namespaces: `xml:id` is id."""
    return {name.rpartition("}")[2]: value for name, value in element.attrib.items()}


def _fields(element: Element) -> Values:
    """Attributes and inner elements by their names, of several of one name a list; else the text."""
    found = _attributes(element)
    if len(element) == 0 and _has_text(element):
        found["text"] = element.text
    names = Counter(inner.tag for inner in element)
    for inner in element:
        value = _value(inner)
        if names[inner.tag] > 1:
            found.setdefault(inner.tag, []).append(value)
        elif _is_marked(inner):
            marked = _marked(inner)
            found |= {inner.tag: marked["text"], **({"spans": marked["spans"]} if marked["spans"] else {})}
        else:
            found[inner.tag] = value
            if len(inner) == 0:
                found |= {f"{inner.tag}.{name}": one for name, one in _attributes(inner).items()}
    return found


def _value(element: Element) -> object:
    """A text, an object, or the list that an element of several is: `aspectTerms` of each `aspectTerm`."""
    inner = [each.tag for each in element]
    if not inner:
        return element.text if element.text else _attributes(element) or None
    if len(set(inner)) == 1 and not element.attrib and element.tag.lower().startswith(inner[0].lower()[:-1]):
        return [_value(each) if len(each) or each.text else _attributes(each) for each in element]
    return _marked(element)["text"] if _has_text(element) else _fields(element)


def _is_xml(sample: Sample) -> bool:
    start = sample.text.lstrip()
    words = sum("\t" in line.strip() for line in sample.lines) > len(sample.lines) / 2  # of a vertical
    return not sample.path.is_dir() and BEGIN.match(start) is not None and not words


FORMATS = {"xml": Format(read_xml, _is_xml, binary=True)}  # it says its encoding itself
