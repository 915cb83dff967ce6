"""ATIS as one file (Hakkani-Tur et al. 2016): `BOS` words `EOS`, a tab, a tag for each, an intent for EOS."""

from __future__ import annotations

from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable, Values
from components.settings.data import Source

FIRST, LAST = "BOS", "EOS"


def read_atis(path: Path, source: Source) -> Numbered:
    """`tokens` and `tags` between the marks, `text`, and `label`, the intent."""
    for number, line in enumerate(lines(path, source.encoding), 1):
        if line.strip():
            found = f"found {line.strip()!r:.60}, expected {FIRST} words {LAST}, a tab, and as many tags"
            yield number, _row(line) or Unreadable(found)


def _row(line: str) -> Values | None:
    """None where it is no such line."""
    said, _, behind = line.partition("\t")
    words, tags = said.split(), behind.split()
    if len(words) < 3 or len(words) != len(tags) or (words[0], words[-1]) != (FIRST, LAST):
        return None
    return {"text": " ".join(words[1:-1]), "tokens": words[1:-1], "tags": tags[1:-1], "label": tags[-1]}


def _is_atis(sample: Sample) -> bool:
    return sample.text.startswith(f"{FIRST} ") and _row(sample.lines[0]) is not None


FORMATS = {"atis": Format(read_atis, _is_atis)}
