"""doccano's exports, JSON Lines: spans as `label` or `labels`, as `entities` with relations; classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, classes, documents
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects, without_repeats
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered
from components.families.shared.spans import span_list
from components.settings.data import Source

OWN = ("spans", "relations")  # columns that no other field's name takes
GIVEN = ("entities", "label", "labels", "annotations")  # what holds spans or classes
CLASS = {"id", "label", "user", "prob", "manual", "document", "created_at", "updated_at"}  # keys of one
CLASSES = ("cats",)  # what holds classes beside spans


def read_doccano(path: Path, source: Source) -> Numbered:
    """`text`, `spans`, or `label` and `labels` of a whole text; relations; and the other fields."""
    return documents(without_repeats(read_objects(path, source)), _document, "doccano")


def _document(found: Mapping[str, Any]) -> Document:
    columns = {name: value for name, value in found.items() if name not in (*GIVEN, *CLASSES, *OWN)}
    columns["text"] = found.get("text", found.get("data"))
    for name in dict.fromkeys((*GIVEN, *CLASSES)):
        value = found.get(name)
        if _holds_spans(value):
            columns["spans"] = _spans(value)
        elif value not in (None, []):
            columns |= classes(map(_class, value if isinstance(value, list) else [value]))
    links = [(one["from_id"], one["to_id"], str(one["type"])) for one in found.get("relations") or ()]
    return Document(columns, links)


def _holds_spans(value: Any) -> bool:
    """Spans are lists or objects; classes are names."""
    spans = _holds(lambda one: isinstance(one, list | dict), value)
    return spans and not all(map(_is_class, value))


def _holds(kind: Callable[[Any], bool], value: Any) -> bool:
    """Is it a list of these?"""
    return isinstance(value, list) and bool(value) and all(map(kind, value))


def _is_class(value: Any) -> bool:
    """Of the older export: the class that a user gave, by its number."""
    return isinstance(value, dict) and {"label"} <= value.keys() <= CLASS


def _class(value: Any) -> Any:
    return value["label"] if isinstance(value, dict) else value


def _holds_classes(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _spans(given: Any) -> list[Span]:
    """Labels may be numbers; relations name the spans' ids."""
    named = [{**one, "label": str(one["label"])} if isinstance(one, dict) else one for one in given]
    ids = [one.get("id") if isinstance(one, dict) else None for one in given]
    return [{**span, "id": own} for span, own in zip(span_list(named), ids, strict=True)]


def _is_doccano(sample: Sample) -> bool:
    """Its triples, its names for offsets, or nothing but an id, a text and a list of classes."""
    held = [value for one in sample.objects for name, value in one.items() if name in GIVEN]
    spans = [span for value in held if _holds_spans(value) for span in value]
    texts = all(isinstance(one.get("text", one.get("data")), str) for one in sample.objects)
    bare = all(
        one.keys() == {"id", "text", "label"} and _holds_classes(one["label"]) for one in sample.objects
    )
    older = all(_holds(_is_class, one.get("annotations")) for one in sample.objects)
    return (
        bool(held) and texts and (bare or older if not spans else all(_is_doccanos(span) for span in spans))
    )


def _is_doccanos(span: Any) -> bool:
    if isinstance(span, dict):
        return {"start_offset", "end_offset", "label"} <= span.keys()
    return len(span) == 3 and all(type(one) is int for one in span[:2]) and isinstance(span[2], str)


FORMATS = {"doccano": Format(read_doccano, _is_doccano)}
