"""Utterances, tags of their words and intents in three files, line by line: `seq.in`, `seq.out` and `label`.

So ATIS and Snips are laid out for slot filling (Goo et al. 2018), a folder for each split.
"""

from __future__ import annotations

from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable, Values
from components.errors import UserError
from components.settings.data import Source

WORDS, TAGS, INTENTS = "seq.in", "seq.out", "label"


def read_slots(path: Path, source: Source) -> Numbered:
    """`tokens`, `tags`, `text` and `label`, the intent; of some utterances ATIS has several, # between."""
    names = [name for name in (WORDS, TAGS, INTENTS) if (path / name).is_file()]
    if WORDS not in names:
        raise UserError(f"{path}: no {WORDS} in it, expected a folder with {WORDS}, {TAGS} and {INTENTS}")
    columns = {name: "".join(lines(path / name, source.encoding)).rstrip().splitlines() for name in names}
    counts = {name: len(column) for name, column in columns.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        raise UserError(f"{path}: expected as many lines in each of its files; found {told}")
    for number, parts in enumerate(zip(*columns.values(), strict=True), 1):
        if any(map(str.strip, parts)):
            yield number, _row(dict(zip(names, map(str.strip, parts), strict=True)))


def _row(found: dict[str, str]) -> Values:
    words, tags = found[WORDS].split(), found.get(TAGS, "").split()
    if TAGS in found and len(tags) != len(words):
        return Unreadable(f"{len(words)} words in {WORDS}, {len(tags)} tags in {TAGS}")
    row: Values = {"text": " ".join(words), "tokens": words}
    row |= {"tags": tags} if TAGS in found else {}
    return {**row, "label": found[INTENTS] or None} if INTENTS in found else row


def _are_slots(sample: Sample) -> bool:
    return (sample.path / WORDS).is_file() and (sample.path / TAGS).is_file()


FORMATS = {"seq_in": Format(read_slots, _are_slots)}
