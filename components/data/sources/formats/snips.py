"""Snips' utterances (Coucke et al. 2018): a JSON object of intents, each with its utterances in pieces.

The benchmark has `{"PlayMusic": [{"data": [{"text": "play "}, {"text": "Ela", "entity": "artist"}]}]}`, in
PlayMusic/train_PlayMusic_full.json and validate_PlayMusic.json; snips-nlu is trained on
`{"intents": {"playMusic": {"utterances": [...]}}}`. Dialogflow's `INTENT_usersays_en.json` is a list of such.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, documents
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered, Values
from components.errors import UserError
from components.settings.data import Source

PIECES = re.compile(
    r'\[\s*\{\s*(?:"id"\s*:\s*"[^"]*"\s*,\s*)?"data"\s*:\s*\[\s*\{\s*"(text|entity|slot_name)"\s*:'
)  # begins utterances
SLOT = ("slot_name", "entity", "alias")  # keys that say what a piece is; the last one is Dialogflow's
EXPECTED = '{"INTENT": [{"data": [{"text": ...}, {"text": ..., "entity": ...}]}]}'


def read_snips(path: Path, source: Source) -> Numbered:
    """`text`, `spans` (by the slot's name, else by the entity's) and `label`, the intent.

    Of a folder also `split`, with which its files' names begin; a file counts that has no full one beside it.
    """
    files = _files(path) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path}: no INTENT/train_INTENT.json in it, as Snips' benchmark has them")
    utterances = (found for file in files for found in _utterances(file, source, path.is_dir()))
    return documents(enumerate(utterances, 1), _document, "Snips")


def _files(folder: Path) -> list[Path]:
    """Those of every intent, but for each that is a part of another."""
    found = {file.stem: file for file in sorted(folder.glob("*/*_*.json")) if _of_benchmark(file)}
    return [file for stem, file in found.items() if f"{stem}_full" not in found]


def _of_benchmark(file: Path) -> bool:
    return file.stem.removesuffix("_full").partition("_")[2] == file.parent.name


def _utterances(path: Path, source: Source, by_split: bool) -> Iterator[Values]:
    """Those of a file, each with its intent and its split."""
    split = {"split": path.stem.partition("_")[0]} if by_split else {}
    for intent, held in _intents(path, source).items():
        utterances = held.get("utterances") if isinstance(held, Mapping) else held
        if not isinstance(utterances, list):
            raise UserError(f"{path}: no list of utterances under '{intent:.40}', expected {EXPECTED}")
        yield from ({"utterance": one, "label": intent or None, **split} for one in utterances)


def _intents(path: Path, source: Source) -> Mapping[str, Any]:
    """A list of utterances has none."""
    try:
        found = json.loads("".join(lines(path, source.encoding)))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error})") from None
    if isinstance(found, list):
        return {"": found}
    intents = found.get("intents", found) if isinstance(found, Mapping) else {}
    if not isinstance(intents, Mapping) or not intents:
        raise UserError(f"{path}: no intents, expected {EXPECTED}")
    return intents


def _document(found: Mapping[str, Any]) -> Document:
    """The pieces put together, but for the blanks before the first word."""
    text, spans = "", list[Span]()
    for piece in found["utterance"]["data"]:
        said = piece["text"] if text else piece["text"].lstrip()
        if slot := next((piece[key] for key in SLOT if piece.get(key)), None):
            inner = said.strip()
            start = len(text) + len(said) - len(said.lstrip())
            spans += (
                [{"start": start, "end": start + len(inner), "type": slot, "text": inner}] if inner else []
            )
        text += said
    said_besides = {name: value for name, value in found.items() if name != "utterance"}
    return Document({**said_besides, "text": text.rstrip(), "spans": spans})


def _is_snips(sample: Sample) -> bool:
    if sample.path.is_dir():
        return bool(_files(sample.path))
    return sample.text.lstrip()[:1] in ("{", "[") and PIECES.search(sample.text) is not None


FORMATS = {"snips": Format(read_snips, _is_snips)}
