"""Which words carried an answer: each is left out in turn, and the task asked again.

The weight of a word is by how much the answer's support falls without it (erasure: Li, Monroe & Jurafsky
2016, "Understanding Neural Networks through Representation Erasure", equation 1, as a difference instead of a
relative one). It asks the model itself, of any family and in any runtime, and all tasks of a question are
explained from the same encoder passes. It says what the model reacts to, not what is right.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from components import families
from components.families.base import Row
from components.families.base.capabilities import Explained
from serving.questions import Reader, row_of
from serving.requests import BadRequestError, Item

MOST = 48  # parts of a question; of more words, neighbours are left out together

Answer = dict[str, BaseModel]  # of a text, by task
Answers = list[Answer]
Ask = Callable[[Sequence[BaseModel], Sequence[str] | None], Awaitable[Answers]]
Cut = Callable[[str], list[tuple[int, int]]]


class Word(BaseModel):
    """A part of the question, its field's text[start:end], and by how much the answer's support falls
    without it; below 0, it spoke against the answer."""

    field: str
    text: str
    start: int
    end: int
    weight: float


class Explanation(BaseModel):
    """How much the whole question speaks for the answer (a probability, or a score in the units of the task),
    and what its words have to do with it."""

    support: float
    words: list[Word]


@dataclass(frozen=True)
class Part:
    """Words of one field, side by side."""

    field: str
    start: int
    end: int

    def without(self, item: Row) -> Row:
        """The question without them."""
        text = item[self.field]
        return {**item, self.field: (text[: self.start].rstrip() + " " + text[self.end :].lstrip()).strip()}


async def explain(
    ask: Ask, reader: Reader, texts: Sequence[str | BaseModel], names: Sequence[str] | None
) -> dict[str, Explanation]:
    """Task -> which words carried its answer to the only text. Tasks whose answers are of many parts have no
    explanation.

    Raises:
        BadRequestError: there are more texts, or none; the question is not of plain ones; none of the tasks
            that are asked can be explained.
    """
    item = _only(texts)
    if not all(isinstance(value, str) for value in item.values()):
        raise BadRequestError("texts[0]: only a question of plain texts is explained")
    (first,) = await ask([Item(**item)], names)
    explained = {name: family for name in first if (family := explained_family(reader.cards[name]["family"]))}
    if not explained:
        raise BadRequestError(f"tasks: an answer of {' or '.join(first)} is of many parts; none is explained")
    parts = parts_of(item, reader.words)
    asked = await _known(ask, [Item(**part.without(item)) for part in parts], list(explained))
    others = [answers for answers in asked if answers]
    parts = [part for part, answers in zip(parts, asked, strict=True) if answers]
    found = {}
    for name, family in explained.items():
        whole, *supports = [
            family.support(one[name].model_dump(), first[name].model_dump()) for one in (first, *others)
        ]
        words = [_word(item, part, whole - rest) for part, rest in zip(parts, supports, strict=True)]
        found[name] = Explanation(support=whole, words=words)
    return found


async def _known(ask: Ask, texts: Sequence[BaseModel], names: Sequence[str]) -> list[Answer | None]:
    """The answer to each text; None to one of which the tokenizer knows nothing, found by halving."""
    if not texts:
        return []
    try:
        return [*await ask(texts, names)]
    except BadRequestError:
        if len(texts) == 1:
            return [None]
    half = len(texts) // 2
    return [*await _known(ask, texts[:half], names), *await _known(ask, texts[half:], names)]


def _only(texts: Sequence[str | BaseModel]) -> Row:
    if len(texts) != 1:
        raise BadRequestError(
            f"texts: found {len(texts)} texts, expected 1: one question is explained at a time"
        )
    return row_of(texts[0])


def at_most(most: int, ask: Ask) -> Ask:
    """`ask` for any number of texts, `most` at a time."""

    async def asked(texts: Sequence[BaseModel], names: Sequence[str] | None) -> Answers:
        groups = [texts[first : first + most] for first in range(0, len(texts), most)]
        return [answer for group in groups for answer in await ask(group, names)]

    return asked


def explained_family(name: str) -> Explained | None:
    """The family, where one number stands for its answers."""
    family = families.get(name)
    return family if isinstance(family, Explained) else None


def parts_of(item: Mapping[str, str], cut: Cut) -> list[Part]:
    """At most MOST parts of the question's texts; a text of one part alone is never left out."""
    found = {field: _joined(text, cut(text)) for field, text in item.items()}
    longest = max(1, -(-sum(map(len, found.values())) // (MOST - len(found))))
    parts: list[Part] = []
    for field, words in found.items():
        groups = [words[first : first + longest] for first in range(0, len(words), longest)]
        if len(groups) > 1:
            parts += [Part(field, group[0][0], group[-1][1]) for group in groups]
    return parts


def _joined(text: str, cuts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The words of a text; punctuation goes with what stands before it."""
    words: list[tuple[int, int]] = []
    for start, end in cuts:
        if words and not any(map(str.isalnum, text[start:end])):
            words[-1] = (words[-1][0], end)
        else:
            words.append((start, end))
    return words


def _word(item: Row, part: Part, weight: float) -> Word:
    text = item[part.field][part.start : part.end]
    return Word(field=part.field, text=text, start=part.start, end=part.end, weight=weight)
