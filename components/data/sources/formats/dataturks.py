"""DataTurks' exports, JSON Lines: `content`, and annotations whose points end in their last character."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, classes, documents
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import read_objects, without_repeats
from components.data.sources.record import Numbered
from components.families.shared.spans import span_list
from components.settings.data import Source


def read_dataturks(path: Path, source: Source) -> Numbered:
    """`text`, `spans`, or `label` and `labels` where the annotations have no points."""
    return documents(without_repeats(read_objects(path, source)), _document, "DataTurks")


def _document(found: Mapping[str, Any]) -> Document:
    notes = found.get("annotation") or []
    if isinstance(notes, Mapping):  # of a whole text
        return Document({"text": found["content"], **classes(notes["labels"])})
    spans = [
        {**point, "end": point["end"] + 1, "type": kind}
        for note in notes
        for kind in (note["label"] if isinstance(note["label"], list) else [note["label"]])
        for point in note["points"]
    ]
    return Document({"text": found["content"], "spans": span_list(spans)})


def _is_dataturks(sample: Sample) -> bool:
    return bool(sample.objects) and all({"content", "annotation"} <= one.keys() for one in sample.objects)


FORMATS = {"dataturks": Format(read_dataturks, _is_dataturks)}
