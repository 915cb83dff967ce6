"""spaCy's older training data, a JSON list of pairs: [text, {"entities": [[start, end, type]]}]."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, classes
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import entries
from components.data.sources.record import Numbered, Unreadable
from components.errors import BadRowError
from components.families.shared.spans import span_list
from components.settings.data import Source


def read_pairs(path: Path, source: Source) -> Numbered:
    """`text`, `spans`, and the categories at 0.5 or more in `labels` and `label`."""
    for number, pair in enumerate(entries(path, source), 1):
        try:
            yield number, _document(pair)
        except BadRowError as error:
            yield number, Unreadable(str(error))


def _document(pair: Any) -> Document:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], dict):
        raise BadRowError(f'found {str(pair)!r:.60}, expected [text, {{"entities": [...]}}]')
    text, notes = pair
    taken = [name for name, score in notes.get("cats", {}).items() if score >= 0.5]
    return Document({"text": text, "spans": span_list(notes.get("entities", [])), **classes(taken)})


def _is_pairs(sample: Sample) -> bool:
    return (
        re.match(r'\[\s*\[\s*"(\\.|[^"\\])*"\s*,\s*\{\s*"(entities|cats)"', sample.text.lstrip()) is not None
    )


FORMATS = {"spacy_json": Format(read_pairs, _is_pairs)}
