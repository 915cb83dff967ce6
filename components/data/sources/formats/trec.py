"""TREC's questions (Li & Roth 2002): a coarse and a fine class with a colon between, a blank, the text."""

from __future__ import annotations

import re
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable
from components.settings.data import Source
from components.spelling import trimmed

LINE = re.compile(r"((\w+):(\w+))\s+(\S.*)")
SURE = re.compile(r"([A-Z]{2,}):[a-z]+ \S")  # as its own files have them
LINES = 200  # that a file is recognised by
FEWEST = 10  # of them
ALIKE = 0.95  # share of them
COARSE = 0.2  # different coarse classes, as a share of the lines: more are names, or addresses


def read_trec(path: Path, source: Source) -> Numbered:
    """`text`, `coarse` ("DESC") and `fine` ("DESC:manner")."""
    for number, line in enumerate(lines(path, source.encoding), 1):
        if found := LINE.match(line.strip()):
            yield number, {"text": trimmed(found[4]), "coarse": found[2], "fine": found[1]}
        elif line.strip():
            yield number, Unreadable(f"found {line.strip()!r:.60}, expected COARSE:fine and a text")


def _is_trec(sample: Sample) -> bool:
    some = [line for line in sample.lines[:LINES] if line.strip()]
    coarse = [found[1] for line in some if (found := SURE.match(line))]
    return len(some) >= FEWEST and len(coarse) >= ALIKE * len(some) and len({*coarse}) <= COARSE * len(some)


FORMATS = {"trec": Format(read_trec, _is_trec)}
