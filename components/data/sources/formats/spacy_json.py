"""spaCy's older training data: pairs in a list or a line each, [text, {"entities": [[start, end, type]]}],
and the documents of `spacy train` before spaCy 3, [{"paragraphs": [{"sentences": [{"tokens": [...]}]}]}]."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, classes
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.json_list import entries
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable, Values
from components.errors import BadRowError
from components.families.shared.spans import span_list
from components.settings.data import Source

ANNOTATOR = (
    r'\{\s*"classes"\s*:\s*\[[^]]*\]\s*,\s*"annotations"\s*:\s*\[\s*'  # of the NER annotator for spaCy
)
LINE = re.compile(r'\[\s*"(\\.|[^"\\])*"\s*,\s*\{\s*"(entities|cats)"')  # how a pair begins


def read_trained(path: Path, source: Source) -> Numbered:
    """spaCy 2's training format: the sentences' `tokens`, `tags` (entities, of the scheme `bilou`), `pos`,
    and their document's `id`."""
    number = 0
    for document in entries(path, source):
        for sentence in _sentences(document):
            number += 1
            yield number, sentence


def _sentences(document: Any) -> Iterator[Values | Unreadable]:
    try:
        for paragraph in document["paragraphs"]:
            for sentence in paragraph["sentences"]:
                words = sentence["tokens"]
                found: Values = {"id": document.get("id"), "tokens": [word["orth"] for word in words]}
                for name, key in {"tags": "ner", "pos": "tag"}.items():
                    if all(isinstance(word.get(key), str) for word in words):
                        found[name] = [word[key] for word in words]
                yield found
    except (KeyError, TypeError, AttributeError) as error:
        yield Unreadable(f"not a document of spaCy's training format ({error!r:.80})")


def _is_trained(sample: Sample) -> bool:
    inner = [one.get("paragraphs") for one in sample.objects]
    firsts = [some[0] for some in inner if isinstance(some, list) and some and isinstance(some[0], dict)]
    return bool(firsts) and len(firsts) == len(inner) and all("sentences" in one for one in firsts)


def read_pairs(path: Path, source: Source) -> Numbered:
    """`text`, `spans`, and the categories at 0.5 or more in `labels` and `label`."""
    for number, pair in _pairs(path, source):
        try:
            yield number, _document(pair)
        except BadRowError as error:
            yield number, Unreadable(str(error))


def _pairs(path: Path, source: Source) -> Iterator[tuple[int, Any]]:
    """The pairs of a list or, where the first line is one of them, of the lines."""
    first = next((line for line in lines(path, source.encoding) if line.strip()), "")
    if first.lstrip().startswith("{"):
        found = _parsed("".join(lines(path, source.encoding)))
        given = found.get("annotations") if isinstance(found, dict) else None
        pairs = given if isinstance(given, list) else [found]
        yield from enumerate((pair for pair in pairs if pair), 1)
        return
    if not LINE.match(first.lstrip()):
        yield from enumerate(entries(path, source), 1)
        return
    for number, line in enumerate(lines(path, source.encoding), 1):
        if line.strip():
            yield number, _parsed(line)


def _parsed(line: str) -> Any:
    """What is no JSON is no pair."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _document(pair: Any) -> Document:
    if not isinstance(pair, list) or len(pair) < 2 or not isinstance(pair[1], dict):
        raise BadRowError(f'found {str(pair)!r:.60}, expected [text, {{"entities": [...]}}]')
    text, notes = pair[:2]
    taken = [name for name, score in notes.get("cats", {}).items() if score >= 0.5]
    return Document({"text": text, "spans": span_list(notes.get("entities", [])), **classes(taken)})


def _is_pairs(sample: Sample) -> bool:
    return re.match(rf"(\[\s*|{ANNOTATOR})?{LINE.pattern}", sample.text.lstrip()) is not None


FORMATS = {
    "spacy_json": Format(read_pairs, _is_pairs),
    "spacy_train": Format(read_trained, _is_trained),
}
