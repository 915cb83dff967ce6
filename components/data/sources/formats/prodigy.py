"""Prodigy's annotations (`db-out`), JSON Lines: spans, relations, classes, and the answer to each row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, classes, documents
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects
from components.data.sources.record import Numbered, Skipped
from components.errors import BadRowError
from components.families.shared.spans import span_list
from components.settings.data import Source

ANSWERS = ("accept", "reject", "ignore")
OWN = ("spans", "tokens", "label", "accept", "cats", "relations", "options")


def read_prodigy(path: Path, source: Source) -> Numbered:
    """`text`, `spans`, `label`, `labels`, `tokens`, relations; rejected and ignored rows are set aside."""
    return documents(read_objects(path, source), _document, "Prodigy")


def _document(found: Mapping[str, Any]) -> Document | Skipped:
    answer = found.get("answer", "accept")
    if answer not in ANSWERS:
        raise BadRowError(f"'answer' is {answer!r:.40}, expected accept, reject or ignore")
    if answer != "accept":
        return Skipped(f"a row answered with {answer}")
    columns = {name: value for name, value in found.items() if name not in OWN}
    if "tokens" in found:
        columns["tokens"] = [token["text"] for token in found["tokens"]]
    spans = span_list(found.get("spans") or [])
    columns["spans"] = [{**span, "id": _id(span)} for span in spans]
    links = []
    for relation in found.get("relations") or ():
        ends = [relation[f"{end}_span"] for end in ("head", "child")]
        columns["spans"] += [
            {**span, "id": _id(span)} for span in span_list([{"label": "span", **end} for end in ends])
        ]
        links.append((_id(ends[0]), _id(ends[1]), relation["label"]))
    columns["spans"] = list({span["id"]: span for span in reversed(columns["spans"])}.values())[::-1]
    return Document({**columns, **classes(_classes(found))}, links)


def _id(span: Mapping[str, Any]) -> str:
    return f"{span['start']}-{span['end']}"


def _classes(found: Mapping[str, Any]) -> list[Any]:
    """The options that were taken, the categories at 0.5 or more, or the label that was accepted."""
    if "accept" in found:
        return list(found["accept"])
    if "cats" in found:
        return [name for name, value in found["cats"].items() if value >= 0.5]
    return [found["label"]] if found.get("label") is not None else []


def _is_prodigy(sample: Sample) -> bool:
    answered = all(one.get("answer") in ANSWERS and "text" in one for one in sample.objects)
    return bool(sample.objects) and answered


FORMATS = {"prodigy": Format(read_prodigy, _is_prodigy)}
