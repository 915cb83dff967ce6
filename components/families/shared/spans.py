"""Spans of a text as data and requests give them: half-open, counted in characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, ConfigDict

from components.errors import BadRowError
from components.families.shared.fields import as_whole, read_json
from components.families.shared.words import split_at, units


class Span(BaseModel):
    """text[start:end], in characters (code points)."""

    model_config = ConfigDict(extra="forbid")

    start: int
    end: int


def read_span(value: Any, text: str, what: str) -> tuple[int, int]:
    """{"start": ..., "end": ...} or [start, end], as such or as JSON, -> a span that fits the text.

    Raises:
        BadRowError: `what` cannot be read, is not within the text, or is empty.
    """
    expected = "the start and the end of a span"
    found = read_json(value, what, expected)
    given = [found.get("start"), found.get("end")] if isinstance(found, Mapping) else found
    ends: list[Any] = [as_whole(end) for end in given] if isinstance(given, list | tuple) else []
    if len(ends) != 2 or any(type(end) is not int for end in ends):
        raise BadRowError(f"{what} is {value!r:.60}, expected {expected}")
    start, end = ends
    if not 0 <= start <= end <= len(text):
        raise BadRowError(f"{what} is {start} to {end}, expected a span of the text's {len(text)} characters")
    if not text[start:end].strip():
        raise BadRowError(f"{what} is empty: nothing stands from {start} to {end}")
    return start, end


def read_spans(value: Any, text: str) -> list[tuple[int, int, str]]:
    """A list of spans in one of the forms of `span_list` -> (start, end, type), in the order of the text.

    Raises:
        BadRowError: spans that cannot be read, do not fit the text, or overlap.
    """
    found = enumerate(span_list(value), 1)
    spans = [(*read_span(span, text, f"span {number}"), str(span["type"])) for number, span in found]
    spans.sort()
    for (start, end, _), (other, stop, _) in pairwise(spans):
        if other < end:
            raise BadRowError(f"spans {start} to {end} and {other} to {stop} overlap, expected spans apart")
    return spans


SpanObject = dict[str, Any]  # `start`, `end`, `type` and, where the tool says what stands there, `text`
# Names of a span's parts, in small letters alone: startOffset and start_offset are one.
STARTS = (
    "start",
    "startoffset",
    "startchar",
    "begin",
    "beginoffset",
    "startpos",
    "startindex",
    "offset",
    "from",
)
ENDS = ("end", "endoffset", "endchar", "stop", "endpos", "endindex", "to")
TYPES = (
    *("type", "label", "labels", "tag", "entitygroup", "entity", "category", "displayname", "entitylabel"),
    *("obj", "polarity"),
)
TEXTS = ("text", "term")
PLACES = ("span", "location", "textextraction", "textsegment")  # objects within that say where it is


def span_list(value: Any) -> list[SpanObject]:
    """Spans as people's tools write them, as such or as JSON, -> objects with `start`, `end`, `type` and,
    where the tool says what stands there, `text`.

    A span is an object, under the names above and with a list of one type or the type alone, or
    [start, end, type]; the list may be under `entities`, as in spaCy's training data.

    Raises:
        BadRowError: what was found instead.
    """
    expected = "a list of objects with start, end and type"
    given = read_json(value, "'spans'", expected)
    if isinstance(given, Mapping) and "entities" in given:
        given = given["entities"]
    if not isinstance(given, list):
        raise BadRowError(f"'spans' is {value!r:.60}, expected {expected}")
    return [_span_object(span, number) for number, span in enumerate(given, 1)]


def _span_object(span: Any, number: int) -> SpanObject:
    found = _parts(_named(span))
    start, end = (as_whole(_first(found, names)) for names in (STARTS, ENDS))
    kind = _first(found, TYPES)
    if end is None and type(start) is int and type(length := as_whole(found.get("length"))) is int:
        end = start + length
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    if not isinstance(kind, str) or not kind.strip():
        raise BadRowError(f"span {number} is {span!r:.60}, expected an object with start, end and type")
    said = _first(found, TEXTS)
    surface = {"text": said} if isinstance(said, str) else {}
    return {"start": start, "end": end, "type": kind.strip(), **surface}


def _named(span: Any) -> Mapping[str, Any]:
    """[start, end, type], and [type, start, end] as Rubrix has it; what else the list says is left out."""
    if not isinstance(span, list | tuple) or len(span) < 3:
        return span if isinstance(span, Mapping) else {}
    first = isinstance(span[0], str) and type(span[2]) is int
    names = ("type", "start", "end") if first else ("start", "end", "type")
    return dict(zip(names, span, strict=False))


def _parts(span: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parts by their names in small letters, those of an object that says where it is among them; a name
    with a number (`label_2`, `start2`) is another part than the one without."""
    named = {"".join(filter(str.isalnum, name)).lower(): value for name, value in span.items()}
    inner = [_parts(named[name]) for name in PLACES if isinstance(named.get(name), Mapping)]
    return {name: value for parts in [*inner, named] for name, value in parts.items()}


def _first(found: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((found[name] for name in names if found.get(name) is not None), None)


def to_tags(spans: Sequence[tuple[int, int, str]], text: str, unit: str) -> dict[str, list[str]]:
    """Spans as `read_spans` gives them -> the text's tokens and their BIO tags; a word that a span cuts is
    split there."""
    found = split_at(units(text, unit), {end for start, stop, _ in spans for end in (start, stop)})
    tags = ["O"] * len(found)
    for start, end, kind in spans:
        inside = [number for number, word in enumerate(found) if start <= word[0] and word[1] <= end]
        tags[inside[0] : inside[-1] + 1] = [f"B-{kind}", *[f"I-{kind}"] * (len(inside) - 1)]
    return {"tags": tags, "tokens": [text[start:end] for start, end in found]}
