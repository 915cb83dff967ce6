"""Two neighbouring segments of a text, cut where one of its sentences ends."""

from __future__ import annotations

import re
from random import Random

from components.errors import SkippedRowError
from components.families.shared.fingerprint import text_key

# A sentence ends with . ! or ? and what closes after it, before a space; with a Chinese or Japanese full
# stop; or with its line. The rule is plain: an abbreviation ends a sentence, too.
_END = re.compile(r"[.!?]+[\"'\u2019\u201d)\]]*\s+|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d]*\s*|\s*\n\s*")


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without the spaces round them."""
    starts = [0, *(match.end() for match in _END.finditer(text))]
    found = [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [sentence for sentence in found if any(map(str.isalnum, sentence))]


def draw(text: str) -> Random:
    """What is drawn for a text is a function of the text alone, without case, punctuation and spacing."""
    return Random(int(text_key(text), 16))  # noqa: S311 no secret is kept by it


def halves(text: str, random: Random) -> tuple[str, str]:
    """Two neighbouring segments of one sentence or more each, cut at random.

    Raises:
        SkippedRowError: the text has only one sentence.
    """
    found = sentences(text)
    if len(found) < 2:
        raise SkippedRowError("the text has only one sentence, expected two or more")
    cut = 1 + int((len(found) - 1) * random.random())
    return " ".join(found[:cut]), " ".join(found[cut:])
