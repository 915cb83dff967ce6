"""Rasa's training data: intents with examples, as YAML (`nlu.yml`) or, of Rasa 1, as Markdown; entities stand
in brackets, `[new york](city)` or `[new york]{"entity": "city"}`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from components.data.sources.documents import Document, classes
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.offsets import Span
from components.data.sources.record import Numbered, Unreadable
from components.errors import UserError, first_line
from components.nesting import parse_yaml
from components.settings.data import Source

ENTITY = re.compile(r"\[([^\]]+)\](?:\(([^):]+)(?::[^)]*)?\)|(\{[^}]*\}))")
INTENT = re.compile(r"^##\s*intent:\s*(\S.*)", re.MULTILINE)
YAML = re.compile(r"^nlu:\s*$", re.MULTILINE)
Examples = Iterator[tuple[str, str]]  # (intent, example)


def read_rasa(path: Path, source: Source) -> Numbered:
    """`text`, `spans` and `label`, the intent; synonyms, look-up tables and expressions are no rows."""
    text = "".join(lines(path, source.encoding))
    examples = _of_markdown(text) if INTENT.search(text) else _of_yaml(text, path)
    number = 0
    for number, (intent, example) in enumerate(examples, 1):
        row = _document(example, intent)
        yield number, row or Unreadable(f"found {example!r:.60}, expected entities as [words](entity)")
    if not number:
        raise UserError(f"{path}: no intents, expected `nlu:` with `- intent: NAME` and its examples")


def _of_markdown(text: str) -> Examples:
    """Each line of a list below the heading of an intent."""
    intent = None
    for line in text.splitlines():
        if line.startswith("##"):
            intent = found[1].strip() if (found := INTENT.match(line)) else None
        elif intent and line.lstrip().startswith(("- ", "* ")):
            yield intent, line.strip()[2:].strip()


def _of_yaml(text: str, path: Path) -> Examples:
    """Examples are lines of one text, or objects with a text each."""
    import yaml

    try:
        found = parse_yaml(text)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML ({first_line(error)})") from None
    parts = found.get("nlu") if isinstance(found, Mapping) else None
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, Mapping) and "intent" in part:
            bare = (one.strip().removeprefix("- ").strip() for one in _examples(part.get("examples")))
            yield from ((str(part["intent"]), one) for one in bare if one)


def _examples(given: Any) -> list[str]:
    if isinstance(given, list):
        return [str(one.get("text", "") if isinstance(one, Mapping) else one) for one in given]
    return str(given or "").splitlines()


def _document(example: str, intent: str) -> Document | None:
    """Without the brackets; None where what stands behind them is no entity."""
    text, end, spans = "", 0, list[Span]()
    for found in ENTITY.finditer(example):
        kind = found[2] or _entity(found[3])
        if kind is None:
            return None
        text += example[end : found.start()]
        spans.append({"start": len(text), "end": len(text) + len(found[1]), "type": kind, "text": found[1]})
        text, end = text + found[1], found.end()
    return Document({"text": text + example[end:], "spans": spans, **classes([intent])})


def _entity(text: str) -> Any:
    try:
        return json.loads(text).get("entity")
    except ValueError:
        return None


def _is_rasa(sample: Sample) -> bool:
    if INTENT.match(sample.text.lstrip()):
        return True
    return YAML.search(sample.text) is not None and re.search(r"^\s*- intent:", sample.text, re.M) is not None


FORMATS = {"rasa": Format(read_rasa, _is_rasa)}
