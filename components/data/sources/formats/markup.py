"""XML: a row for each element that repeats, or for each sentence or paragraph whose words are marked.

Of a table, as of SemEval's aspects (Pontiki et al. 2014), attributes and inner elements are the columns; of
a text, as of the Text Encoding Initiative or of MUC, inner elements are spans, called by `type` or name.
The layout is told by the beginning of the file, which is then read element by element.
"""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple, cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from components.data.sources.documents import Document
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.inline import HTML
from components.data.sources.formats.packed import opened
from components.data.sources.formats.text import TWICE
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered, Values
from components.errors import UserError
from components.settings.data import Source

CHUNK = 1 << 16  # characters that are parsed at a time
LOOKED = 20_000  # elements by which the layout is told
DEEPEST = 100  # elements within each other; what reads them calls itself
SENTENCES = {"s", "sent", "sentence", "p", "ab", "l", "u", "seg", "line"}  # hold a row's text, or are a row
NO_SPANS = HTML | {"lb", "pb", "cb", "hi", "w", "pc", "c", "note", "ref", "lg", *SENTENCES}
BEGIN = re.compile(
    r"(?:<\?xml|<!doctype(?!\s+html)|<([A-Za-z][\w.:-]*)(?:\s[^<>]*)?>\s*<[A-Za-z])", re.IGNORECASE
)
DECLARED = re.compile(r"\s*<[?!]")  # such a file has a root; else several may follow each other
ENCODING = re.compile(rb"<\?xml\s[^>]*?\bencoding\s*=\s*[\"'](?!(?i:utf-?16))([\w.:-]+)")
# Without such a mark no file is in UTF-16, whatever it says: .NET says so of texts that are in UTF-8.
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
Path_ = tuple[str, ...]  # the names of the elements around one, and its own


class _Rows(NamedTuple):
    """Which elements are rows: those of a path, or those of a name that hold text, wherever they are."""

    path: Path_
    anywhere: bool

    def has(self, path: Path_, element: Element) -> bool:
        return (path[-1] == self.path[-1] and _has_words(element)) if self.anywhere else path == self.path

    def around(self, path: Path_) -> bool:
        """Is an element of this path within a row?"""
        return self.path[-1] in path[:-1] if self.anywhere else path[:-1][: len(self.path)] == self.path


def read_xml(path: Path, source: Source) -> Numbered:
    """The columns of the module's text; the file itself says its encoding, or else the source does.

    Raises:
        UserError: it cannot be parsed, or nothing in it repeats.
    """
    rows = _rows(path, source)
    number = 0
    for number, element in enumerate(_found(path, source, rows), 1):
        yield number, _marked(element) if _is_marked(element) or rows.anywhere else _fields(element)
    if not number:
        raise UserError(f"{path}: no element of this XML repeats, expected one for each row")


def _rows(path: Path, source: Source) -> _Rows:
    """Sentences or paragraphs of which some follow each other; else what repeats next to the root."""
    counts: Counter[Path_] = Counter()
    with_text: Counter[Path_] = Counter()
    for at, element, _ in islice(_elements(path, source), LOOKED):
        counts[at] += 1
        with_text[at] += _has_text(element)
        del element[:]  # its tail is looked at when the element around it ends
    several = [at for at, count in counts.items() if len(at) > 1 and count > max(counts[at[:-1]], 1)]
    texts = [at for at in several if at[-1].lower() in SENTENCES and with_text[at]]
    if texts:
        return _Rows(max(texts, key=counts.__getitem__), True)
    held = [at for at in several if at[-1].lower() in SENTENCES]
    nearest = min(held or several, key=lambda at: (len(at), -counts[at]), default=("",))
    return _Rows(nearest, False)


def _found(path: Path, source: Source, rows: _Rows) -> Iterator[Element]:
    """The elements that are rows; what has ended and is in no row is gone when the next one is there."""
    for at, element, outer in _elements(path, source):
        if rows.has(at, element):
            yield element
            element.text = None  # of a row within another, which takes what is left
            del element[:]
        if outer is not element and not rows.around(at):
            outer.remove(element)


def _elements(path: Path, source: Source) -> Iterator[tuple[Path_, Element, Element]]:
    """Each element when it ends, with its path and the element around it; around the root it is itself.

    Raises:
        UserError: the file cannot be parsed, or its elements are too deep.
    """
    around: list[Element] = []
    for event, element in _events(path, source.encoding):
        if event == "start":
            element.tag = element.tag.rpartition("}")[2]  # of a namespace
            around.append(element)
            if len(around) > DEEPEST:
                raise UserError(
                    f"{path}: more than {DEEPEST} elements within each other, expected rows in XML"
                )
        else:
            yield tuple(one.tag for one in around), element, around[-2:][0]
            around.pop()


def _events(path: Path, encoding: str) -> Iterator[tuple[str, Element]]:
    """The starts and ends of elements, by a file of any encoding that says it, or is in this one."""
    parser: XMLPullParser[Element] = XMLPullParser(["start", "end"])
    try:
        for piece in _pieces(path, encoding):
            parser.feed(piece)
            yield from cast("Iterator[tuple[str, Element]]", parser.read_events())
        parser.close()
    except ParseError as error:
        raise UserError(f"{path}: XML that is not well-formed ({error}), so it cannot be read") from None
    except (LookupError, UnicodeError) as error:
        raise UserError(
            f"{path}: XML that is not in its encoding ({getattr(error, 'reason', error)}), which its first "
            f"line says, or else `encoding` in params.yaml"
        ) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}), expected a file") from None


def _pieces(path: Path, encoding: str) -> Iterator[str]:
    """The file's text; around elements that follow each other without a root, as of MUC, there is one."""
    with opened(path) as file:
        start = file.peek(CHUNK)
        marked = next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
        said = ENCODING.match(start.lstrip())
        text = io.TextIOWrapper(file, marked or (said[1].decode() if said else encoding))
        piece = text.read(CHUNK)
        whole = DECLARED.match(piece) is not None
        yield "" if whole else "<several>"
        while piece:
            yield piece
            piece = text.read(CHUNK)
        yield "" if whole else "</several>"


def _has_text(element: Element) -> bool:
    """Do words stand in it, rather than in the elements within?"""
    return any(text and text.strip() for text in (element.text, *(inner.tail for inner in element)))


def _has_words(element: Element) -> bool:
    """Do words stand in it, or in the elements within?"""
    return any(text.strip() for text in element.itertext())


def _is_marked(element: Element) -> bool:
    return len(element) > 0 and _has_text(element)


def _marked(element: Element) -> Document:
    """The text, a blank for all that stand together, and its spans; attributes are columns."""
    found = _Text()
    found.take(element)
    text = "".join(found.parts).rstrip()
    spans = [{**span, "end": min(span["end"], len(text))} for span in found.spans]
    spans = [
        {**span, "text": text[span["start"] : span["end"]]} for span in spans if span["start"] < span["end"]
    ]
    return Document({**_attributes(element), "text": text, "spans": spans})


@dataclass
class _Text:
    """The text of elements as far as it is taken, and what inner ones mark in it."""

    parts: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    length: int = 0  # of all parts

    def take(self, element: Element) -> None:
        """Append the texts of an element, and what its inner ones mark: an outer span before those within."""
        self._append(element.text)
        for inner in element:
            start, place = self.length, len(self.spans)
            self.take(inner)
            if inner.tag.lower() not in NO_SPANS and self.length > start:
                self.spans.insert(place, {"start": start, "end": self.length, "type": _type(inner)})
            self._append(inner.tail)

    def _append(self, text: str | None) -> None:
        """Blanks of a file that is laid out in lines are one."""
        joined = re.sub(r"\s+", " ", text or "")
        begins = not self.parts or self.parts[-1].endswith(" ")
        if joined := joined.lstrip() if begins else joined:
            self.parts.append(joined)
            self.length += len(joined)


def _type(element: Element) -> str:
    """Its attribute `type`, as of ENAMEX or `rs`; else its name."""
    return next((value for name, value in element.attrib.items() if name.lower() == "type"), element.tag)


def _attributes(element: Element) -> Values:
    """Without their namespaces: `xml:id` is id."""
    return {name.rpartition("}")[2]: value for name, value in element.attrib.items()}


def _fields(element: Element) -> Values:
    """Attributes and inner elements by their names; else the text. Of a name that is both no value counts."""
    own, found = _attributes(element), _within(element)
    if len(element) == 0 and _has_text(element):
        found["text"] = element.text
    return {**own, **found, **dict.fromkeys(own.keys() & found.keys(), TWICE)}


def _within(element: Element) -> Values:
    """Inner elements by their names, of several of one name a list; the spans of the one that has some."""
    found: Values = {}
    spans = []
    for name, same in _by_name(element).items():
        if len(same) > 1:
            found[name] = [_value(inner) for inner in same]
        elif _is_marked(same[0]):
            marked = _marked(same[0])
            found[name] = marked["text"]
            spans += [marked["spans"]] if marked["spans"] else []
        else:
            found[name] = _value(same[0])
            own = {} if len(same[0]) else _attributes(same[0])
            found |= {f"{name}.{attribute}": value for attribute, value in own.items()}
    if spans:
        found["spans"] = TWICE if len(spans) > 1 or "spans" in found else spans[0]
    return found


def _by_name(element: Element) -> Mapping[str, list[Element]]:
    found = defaultdict(list)
    for inner in element:
        found[inner.tag].append(inner)
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
