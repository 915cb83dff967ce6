"""PubMed RCT (Dernoncourt & Lee 2017): abstracts, `###ID` above each, with a class and a sentence a line."""

from __future__ import annotations

import re
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable
from components.settings.data import Source
from components.spelling import trimmed

HEAD = re.compile(r"###(\S+)")
SENTENCE = re.compile(r"([^\t]+)\t(.*\S.*)")


def read_rct(path: Path, source: Source) -> Numbered:
    """`text`, `label` and `abstract_id`, by which the sentences of an abstract stay in one split."""
    abstract = None
    for number, line in enumerate(lines(path, source.encoding), 1):
        if head := HEAD.fullmatch(line.strip()):
            abstract = head[1]
        elif found := SENTENCE.match(line.strip()):
            yield number, {"abstract_id": abstract, "label": trimmed(found[1]), "text": trimmed(found[2])}
        elif line.strip():
            yield number, Unreadable(f"found {line.strip()!r:.60}, expected a class, a tab and a sentence")


def _is_rct(sample: Sample) -> bool:
    some = [line for line in sample.lines if line.strip()]
    heads = sum(HEAD.fullmatch(line.strip()) is not None for line in some)
    sentences = sum(SENTENCE.match(line) is not None for line in some)
    return bool(some) and HEAD.match(some[0]) is not None and 0 < heads < sentences == len(some) - heads


FORMATS = {"pubmed_rct": Format(read_rct, _is_rct)}
