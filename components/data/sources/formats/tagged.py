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
    """`tokens`, `tags` and `text`, the words with blanks between; a sentence a line."""
    sign = source.separator or _sign([*islice(lines(path, source.encoding), LINES)])
    if sign is None:
        raise UserError(
            f"{path}: no tags behind the words, expected `The/DT cat/NN`; where another sign stands between "
            f"them, set `separator` below source"
        )
    for number, line in enumerate(lines(path, source.encoding), 1):
        pairs = [word.rpartition(sign) for word in _flat(line).split()]
        if lost := next((word or tag for word, _, tag in pairs if not word or not tag), None):
            yield number, Unreadable(f"found {lost!r:.40}, expected a word, '{sign}' and its tag")
        elif pairs:
            words = [word for word, _, _ in pairs]
            yield number, {"text": " ".join(words), "tokens": words, "tags": [tag for *_, tag in pairs]}


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
