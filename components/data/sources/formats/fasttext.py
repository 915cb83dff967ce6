"""fastText's training data: `__label__` before each of a line's labels, then its text."""

from __future__ import annotations

from pathlib import Path

from components.data.sources.documents import classes
from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable
from components.settings.data import Source
from components.spelling import trimmed

MARK = "__label__"
LINES = 200  # that a file is recognised by
ALIKE = 0.9  # share of them


def read_fasttext(path: Path, source: Source) -> Numbered:
    """`text`, `labels` and, where a line has one, `label`."""
    for number, line in enumerate(lines(path, source.encoding), 1):
        words = line.split()
        found = [word for word in words if word.startswith(MARK)]
        text = trimmed(" ".join(word for word in words if not word.startswith(MARK)).removeprefix(","))
        if text and found:
            names = [word.removeprefix(MARK).removesuffix(",") for word in found]
            yield number, {"text": _unquoted(text), **classes(names)}
        elif words:
            yield number, Unreadable(f"found {line.strip()!r:.60}, expected {MARK}NAME and a text")


def _unquoted(text: str) -> str:
    """Some write `__label__1 , "a text"`."""
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == '"' else text


def _is_fasttext(sample: Sample) -> bool:
    some = [line for line in sample.lines[:LINES] if line.strip()]
    return bool(some) and sum(MARK in line.split(" ", 1)[0] for line in some) >= ALIKE * len(some)


FORMATS = {"fasttext": Format(read_fasttext, _is_fasttext)}
