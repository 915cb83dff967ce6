"""Sentences drawn from the templates that Home Assistant's `hassil` reads.

A template is text with `[optional]` parts, `(one|of|several)`, `(all;in any order)`, `<rules>` that stand
for other templates, and `{list}` or `{list:slot}`, for which a value of the list is put in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

PIECE = re.compile(r"<\w+>|\{[\w:]+\}|[\[\]()|;]|[^\[\]()|;<{]+")
SLOT = re.compile(r"\{(\w+)=([^}]*)\}")


@dataclass(frozen=True)
class Span:
    """A slot of a sentence: `type` is its name, sentence[start:end] its value."""

    type: str
    start: int
    end: int


@dataclass
class Grammar:
    """The rules by name, and what draws a value for a list: (its name, the dice) -> a template."""

    rules: Mapping[str, str]
    value: Callable[[str, Random], str]

    def draw(self, template: str, dice: Random) -> tuple[str, list[Span]]:
        """One sentence of the template, and its slots.

        Raises:
            ValueError: the template's brackets do not match.
        """
        return spanned(self._expand(template, dice))

    def _expand(self, template: str, dice: Random) -> str:
        pieces = PIECE.findall(template)[::-1]
        text = self._choice(pieces, "", dice)
        if pieces:
            raise ValueError(f"{template!r}: brackets do not match")
        return text

    def _choice(self, pieces: list[str], closing: str, dice: Random) -> str:
        """What stands up to the closing bracket: one of the parts between "|", all of those between ";"."""
        parts, signs = [self._sequence(pieces, dice)], set()
        while pieces and pieces[-1] in "|;":
            signs.add(pieces.pop())
            parts.append(self._sequence(pieces, dice))
        if closing and (not pieces or pieces.pop() != closing):
            raise ValueError(f"{closing!r} is missing: brackets do not match")
        if ";" in signs:
            return " ".join(dice.sample(parts, len(parts)))
        return dice.choice(parts)

    def _sequence(self, pieces: list[str], dice: Random) -> str:
        said = ""
        while pieces and pieces[-1] not in "|;)]":
            piece = pieces.pop()
            if piece == "(":
                said += self._choice(pieces, ")", dice)
            elif piece == "[":
                optional = self._choice(pieces, "]", dice)
                said += optional if dice.random() < 0.5 else ""
            elif piece.startswith("<"):
                said += self._expand(self.rules[piece[1:-1]], dice)
            elif piece.startswith("{"):
                name, _, slot = piece[1:-1].partition(":")
                said += f"{{{slot or name}={self._expand(self.value(name, dice), dice)}}}"
            else:
                said += piece
        return said


def spanned(marked: str) -> tuple[str, list[Span]]:
    """A text with its slots marked as `{name=value}` -> the text with single spaces, and where they are."""
    said, spans = "", list[Span]()
    for number, part in enumerate(SLOT.split(" ".join(marked.split()))):
        if number % 3 == 1:
            name = part
        elif number % 3 == 2:
            value = part.strip()
            spans.append(Span(name, len(said), len(said) + len(value)))
            said += value
        else:
            said += part
    return said, spans
