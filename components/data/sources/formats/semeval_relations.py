"""SemEval-2010 task 8 (Hendrickx et al. 2010): sentences with two nominals, `<e1>` and `<e2>`, and below each
the relation between them and a comment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable, Values
from components.settings.data import Source

SENTENCE = re.compile(r'(\d+)\t"?(.*?)"?\s*')
MARKED = re.compile(r"<(e[12])>(.+?)</\1>")
EXPECTED = "expected a number, a sentence with <e1> and <e2>, and their relation, a line each"


def read_relations(path: Path, source: Source) -> Numbered:
    """`text`, `head` (the first nominal), `tail`, `label` and `id`."""
    for number, block in _blocks(path, source):
        yield number, _row(block) or Unreadable(f"found {block[0]!r:.60}, {EXPECTED}")


def _blocks(path: Path, source: Source) -> Iterator[tuple[int, list[str]]]:
    """Lines between blank ones, with the first one's number."""
    block: list[str] = []
    first = 0
    for number, line in enumerate(lines(path, source.encoding), 1):
        if line.strip():
            first = first if block else number
            block.append(line.rstrip("\r\n"))
        elif block:
            yield first, block
            block = []
    if block:
        yield first, block


def _row(block: list[str]) -> Values | None:
    """None where it is no such sentence."""
    found = SENTENCE.fullmatch(block[0])
    if found is None or len(block) < 2 or not _has_both(found[2]):
        return None
    text, end, spans = "", 0, {}
    for marked in MARKED.finditer(found[2]):
        text += found[2][end : marked.start()]
        spans[marked[1]] = {"start": len(text), "end": len(text) + len(marked[2])}
        text, end = text + marked[2], marked.end()
    sides = {"head": spans["e1"], "tail": spans["e2"]}
    return {"id": found[1], "text": text + found[2][end:], **sides, "label": block[1].strip()}


def _has_both(sentence: str) -> bool:
    return {one[1] for one in MARKED.finditer(sentence)} == {"e1", "e2"}


def _are_relations(sample: Sample) -> bool:
    first = sample.text.lstrip().partition("\n")[0].rstrip("\r")
    return SENTENCE.fullmatch(first) is not None and _has_both(first)


FORMATS = {"semeval_relations": Format(read_relations, _are_relations)}
