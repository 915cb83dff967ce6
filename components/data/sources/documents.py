"""Documents that people have annotated, as every annotation format gives them -> rows.

A format's reader gives what its export says, places as they are counted there. Here they become characters,
and a document becomes one row, a row for each of its lines or relations, or one for each pair of its spans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

from components.data.sources.offsets import Counting, Span, check_surface
from components.data.sources.record import Numbered, Skipped, Unreadable, Values
from components.errors import BadRowError
from components.settings.data import Source

NO_RELATION = "none"
Relation = tuple[str, str, str]  # the ids of the spans from and to which it leads, its type


NOTHING: Values = {"spans": [], "labels": [], "label": None}


class Document(Values):
    """A document's columns: `text`, `spans` ({start, end, type, text?, id?}), the classes of the whole text
    in `labels` and the only one in `label`, `relations` if it has any, and what the export says besides."""

    def __init__(
        self,
        columns: Mapping[str, Any],
        relations: Iterable[Relation] = (),
        agreement: float | None = None,
        placed: bool = False,
    ) -> None:
        super().__init__({**NOTHING, **columns})
        self.links = list(relations)
        self.agreement = agreement  # of its annotators, where there are several
        self.placed = placed  # are the places characters?


def documents(rows: Numbered, read: Callable[[Mapping[str, Any]], Values | Skipped], what: str) -> Numbered:
    """What `read` makes of each object of an export; one that it cannot read is `Unreadable`."""
    for number, found in rows:
        try:
            yield number, found if isinstance(found, Skipped) else read(found)
        except BadRowError as error:
            yield number, Unreadable(str(error))
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            problem = f"no {error}" if isinstance(error, KeyError) else str(error)
            yield number, Unreadable(f"not an object that {what} exports ({problem:.80})")


def classes(names: Iterable[Any]) -> Values:
    """The classes of a whole text: all in `labels`, the only one in `label`."""
    labels = [str(name) for name in names]
    return {"labels": labels, "label": labels[0] if len(labels) == 1 else None}


def place(document: Document, source: Source) -> Document:
    """The document with its places in characters.

    Raises:
        BadRowError: a span that is outside the text.
        MisplacedError: another text stands there than the export says.
    """
    text, spans = document.get("text"), document.get("spans")
    if not isinstance(text, str) or not spans:
        return Document(document, document.links, document.agreement, placed=not spans)
    counting = Counting.of(source)
    placed = [counting.place(text, span, f"span {number}") for number, span in enumerate(spans, 1)]
    check_surface(text, placed)
    return Document({**document, "spans": placed}, document.links, document.agreement, placed=True)


def expand(document: Document, source: Source) -> Iterator[Document | Skipped]:
    """The rows of a placed document, as `source.rows` says."""
    if source.rows == "documents":
        yield _row(document, {"relations": _relations(document)} if document.links else {})
    elif source.rows == "lines":
        yield from _lines(document)
    else:
        found = _relations(document) if source.rows == "relations" else _pairs(document)
        if not found:
            yield Skipped(
                "a text without a relation" if source.rows == "relations" else "a text without pairs"
            )
        yield from (_row(document, relation) for relation in found)


def _row(document: Document, more: Mapping[str, Any]) -> Document:
    return Document({**document, **more}, agreement=document.agreement, placed=document.placed)


def _relations(document: Document) -> list[Values]:
    """{head, tail, label} of each relation, `head` being where it leads from.

    Raises:
        BadRowError: it names a span that is not there.
    """
    spans = {span.get("id"): span for span in document.get("spans", ())}
    for ends in document.links:
        for end in ends[:2]:
            if end not in spans:
                raise BadRowError(f"the relation '{ends[2]:.40}' leads to '{end!s:.40}', which is no span")
    return [{"head": spans[head], "tail": spans[tail], "label": kind} for head, tail, kind in document.links]


def _pairs(document: Document) -> list[Values]:
    """Every two spans apart, in both orders, with the relation between them or NO_RELATION."""
    given = {(head, tail): kind for head, tail, kind in document.links}
    return [
        {"head": one, "tail": other, "label": given.get((one.get("id"), other.get("id")), NO_RELATION)}
        for one, other in permutations(document.get("spans", ()), 2)
        if one["end"] <= other["start"] or other["end"] <= one["start"]
    ]


def _lines(document: Document) -> Iterator[Document | Skipped]:
    """A row for each line that is not blank; a line in which a span ends that began before is set aside."""
    text, start = document["text"] or "", 0
    for line in text.splitlines(keepends=True):
        end = start + len(line)
        touching = [span for span in document.get("spans", ()) if start < span["end"] and span["start"] < end]
        if any(span["start"] < start or end < span["end"] for span in touching):
            yield Skipped("a line that a span crosses")
        elif line.strip():
            yield _row(document, {"text": line.rstrip("\r\n"), "spans": _moved(touching, start)})
        start = end


def _moved(spans: Sequence[Span], by: int) -> list[Span]:
    return [{**span, "start": span["start"] - by, "end": span["end"] - by} for span in spans]
