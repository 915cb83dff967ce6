"""Lists of texts by class in one JSON document, as people write them by hand: {"late": ["Never came."]}.

The files of chatbots are their kin, objects with a name and its examples: {"intents": [{"tag": "late",
"patterns": ["Never came."], "responses": [...]}]}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from components.data.sources.formats.base import BEGINNING, Format, Sample
from components.data.sources.formats.json_list import read_document
from components.data.sources.formats.line_files import LANGUAGE, SIDES
from components.data.sources.formats.packed import opened
from components.data.sources.json_tables import SPLITS
from components.data.sources.record import Numbered
from components.errors import UserError
from components.settings.data import Source

CLASS = ("tag", "intent", "label", "class", "category", "topic", "name")  # keys of an object's class
TEXTS = ("patterns", "examples", "utterances", "texts", "sentences", "phrases", "queries")  # of its texts
BEGINS = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*(?:\[\s*["{]|"[^"]*"\s*,.*"intents"\s*:)', re.DOTALL)
DISTINCT = 0.8  # share of the texts that are there once: of labels it is less
FEWEST = 2  # texts of a class, on average
Lists = list[tuple[str, list[str]]]  # a class and its texts


class Reading(Enum):
    """What lists by their names can be."""

    CLASSES = "lists of texts by their class"
    EITHER = "these, or columns of a table: they are equally long"
    NEITHER = "something else"


def read_lists(path: Path, source: Source) -> Numbered:
    """`text` and `label` of each text.

    Raises:
        UserError: it is no JSON, or none of these forms.
    """
    found = lists_of(read_document(path, source))
    if found is None:
        raise UserError(
            f'{path}: no lists of texts, expected one for each class, as {{"late": ["It never came."]}}'
        )
    yield from enumerate(({"text": text, "label": name} for name, texts in found for text in texts), 1)


def lists_of(document: Any) -> Lists | None:
    """Each class with its texts; None where the document is of another form, as one whose objects are
    documents of one class or another."""
    if isinstance(document, Mapping) and isinstance(document.get("intents"), list):
        document = document["intents"]
    if isinstance(document, Mapping):
        pairs = list(document.items())
    elif isinstance(document, list) and all(isinstance(one, Mapping) for one in document):
        pairs = [(_first(one, CLASS), _first(one, TEXTS)) for one in document]
    else:
        return None
    read = ((name, _texts(given)) for name, given in pairs if isinstance(name, str))
    named = {name: texts for name, texts in read if texts is not None}
    whole = len(named) == len(pairs) > 1 and any(named.values())
    return list(named.items()) if whole else None


def _first(one: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((one[name] for name in names if name in one), None)


def _texts(given: Any) -> list[str] | None:
    """A list of texts, or of objects with a text each."""
    if not isinstance(given, list):
        return None
    found = [one.get("text") if isinstance(one, Mapping) else one for one in given]
    texts = [text for text in found if isinstance(text, str)]
    return texts if len(texts) == len(found) else None


def reading_of(sample: Sample) -> Reading:
    """What the lists of a file can be; columns have equally many values, and often names that say so."""
    document = _document(sample)
    found = lists_of(document)
    if found is None:
        return Reading.NEITHER
    if not isinstance(document, Mapping) or "intents" in document:
        return Reading.CLASSES
    texts = [text for _, each in found for text in each]
    names = {name.lower() for name, _ in found}
    once = len(set(texts)) >= DISTINCT * len(texts) and len(texts) >= FEWEST * len(found)
    if not once or names <= SPLITS:
        return Reading.NEITHER
    alike = len({len(each) for _, each in found}) == 1
    columns = alike and any(name in SIDES or LANGUAGE.fullmatch(name) for name in names)
    return Reading.NEITHER if columns else Reading.EITHER if alike else Reading.CLASSES


def _document(sample: Sample) -> Any:
    """A JSON document that may be of this kind, whole, though the sample may end before; else None."""
    if not _may_be(sample):
        return None
    try:
        return json.loads(sample.text if len(sample.data) != BEGINNING else _whole(sample.path))
    except (ValueError, RecursionError, OSError, UserError):
        return None


def _may_be(sample: Sample) -> bool:
    """Does it begin with a list of texts, or with an object that has one?"""
    if sample.text.lstrip().startswith("["):
        return any(_first(one, TEXTS) and _first(one, CLASS) for one in sample.objects[:1])
    return BEGINS.match(sample.text) is not None and len(sample.objects) < 2


def _whole(path: Path) -> str:
    with opened(path) as file:
        return file.read().decode("utf-8-sig")


FORMATS = {"class_lists": Format(read_lists, lambda sample: reading_of(sample) is Reading.CLASSES)}
