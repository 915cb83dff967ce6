"""Words with their tags behind them: `The/DT cat/NN`, as the Brown corpus has it; taggers write `The_DT`."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from components.data.sources.formats.base import Format, Sample
from components.data.sources.formats.text import lines
from components.data.sources.record import Numbered, Unreadable
from components.errors import UserError
from components.settings.data import Source

SIGNS = "/_|"  # between a word and its tag
COMPOUND = re.compile(r"(?<!\S)\[(\S+/\w+(?:\s+\S+/\w+)*)\]\w+(?!\S)")
LINES = 200  # that a file is recognised by
FEWEST = 20  # words of them
ALIKE = 0.98  # share of the words that have a tag
SENTENCE = 3  # words of a line, on average
REPEATED = 3  # times that a tag occurs, on average


def read_tagged(path: Path, source: Source) -> Numbered:
    """`tokens`, `tags` and `text`, the words with blanks between; a sentence a line. Of several tags of a
    word `tags` are the last, `tags_1` the first."""
    sign = source.separator or _sign([*islice(lines(path, source.encoding), LINES)])
    if sign is None:
        raise UserError(
            f"{path}: no tags behind the words, expected `The/DT cat/NN`; where another sign stands between "
            f"them, set `separator` below source"
        )
    between = _tags_of_a_word([*islice(lines(path, source.encoding), LINES)], sign)
    for number, line in enumerate(lines(path, source.encoding), 1):
        parts = [word.rsplit(sign, between) for word in _flat(line).split()]
        if lost := next((part for part in parts if len(part) <= between or not all(part)), None):
            found = sign.join(lost).strip(sign)
            yield number, Unreadable(f"found {found!r:.40}, expected a word, '{sign}' and its tag")
        elif parts:
            words, *others, tags = map(list, zip(*parts, strict=True))
            more = {f"tags_{place}": each for place, each in enumerate(others, 1)}
            yield number, {"text": " ".join(words), "tokens": words, **more, "tags": tags}


def _tags_of_a_word(some: list[str], sign: str) -> int:
    """How many stand behind each word, `flew|VBD|O`: as many as signs, of which each word has as many."""
    counts = {word.count(sign) for line in some for word in _flat(line).split()}
    return counts.pop() if len(counts) == 1 and 0 not in counts else 1


def _flat(line: str) -> str:
    """Without the brackets around compounds, "[New/a York/n]ns", as the People's Daily has them."""
    return COMPOUND.sub(r"\1", line)


def _sign(some: list[str]) -> str | None:
    """What stands between words and tags; None where they are none."""
    sentences = [line.split() for line in some if line.strip()]
    words = [word for sentence in sentences for word in sentence]
    if len(words) < max(FEWEST, SENTENCE * len(sentences)):
        return None
    return next((sign for sign in SIGNS if _are_tagged(words, sign)), None)


def _are_tagged(words: list[str], sign: str) -> bool:
    """Have nearly all a tag, and are there few different ones, fewer than words?"""
    pairs = [(word, tag) for word, _, tag in (each.rpartition(sign) for each in words) if word and tag]
    if len(pairs) < ALIKE * len(words):
        return False
    different, tags = ({*each} for each in zip(*pairs, strict=True))
    return len(tags) < len(different) and REPEATED * len(tags) <= len(pairs)


def _is_tagged(sample: Sample) -> bool:
    some = sample.lines[:LINES]
    return not any("\t" in line.strip() for line in some) and _sign(some) is not None


FORMATS = {"tagged": Format(read_tagged, _is_tagged)}
