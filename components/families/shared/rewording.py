"""A text with other words: blanks stay, and offsets of words move along."""

from __future__ import annotations

import re
from collections.abc import Sequence

from components.families.base import Row
from components.families.base.capabilities import Reword, Rewordable
from components.families.shared.words import Place


def reworded(text: str, reword: Reword) -> str:
    """The text with other words between its blanks."""
    spans = [list(match.span()) for match in re.finditer(r"\S+", text)]
    return replaced(text, spans, reword([text[start:end] for start, end in spans]))


def replaced(text: str, places: Sequence[Place], words: Sequence[str | None]) -> str:
    """The text with a word in the place of each; where there is none, the blank before it goes too."""
    parts, behind = [], 0
    for (start, end), word in zip(places, words, strict=True):
        between = text[behind:start]
        parts += [between, word] if word is not None else [between.rstrip()]
        behind = end
    return "".join([*parts, text[behind:]]).strip()


class TextsReworded(Rewordable):
    """The target stays true of the text, or of the pair of texts, whatever their words look like."""

    def reworded(self, row: Row, reword: Reword) -> Row | None:
        pair = row.get("text_pair")
        other = {"text_pair": reworded(pair, reword)} if pair else {}
        return {**row, "text": reworded(row["text"], reword), **other}
