"""Which words of a text are hidden, and what stands in their place.

Devlin et al. 2019, section 3.1: 15 % are chosen; of these 80 % become the mask token, 10 % a random token,
10 % stay. What is chosen are whole words (the "whole word masking" of the paper's code, 2019; Cui et al.
2021), since a text has words whatever the tokenizer: so a baseline that knows none is asked for the same.

Legend: L tokens of a text, P tokens of its chosen words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Encoding

SHARE = 0.15  # of the words
MASKED, REPLACED = 0.8, 0.1  # of the tokens of the chosen words; the others stay
NO_WORD = -1  # number of the word of a token that has none

# A Chinese character is a word, as BERT's tokenizers have it; so is a sign of punctuation.
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_WORD = re.compile(rf"[{_HAN}]|[^\W{_HAN}]+|[^\w\s]")


@dataclass(frozen=True)
class Hidden:
    """A sequence some of whose words are hidden; `ids`, `type_ids`, `overflowing`, `n_sequences` and length
    as those of an `Encoding`."""

    ids: list[int]
    type_ids: list[int]
    positions: list[int]  # position_P of the tokens of the chosen words
    gold: list[int]  # id_P of what stood there
    words: list[int]  # word_L: the number of each token's word in the text, or NO_WORD
    overflowing: Sequence[Encoding] = ()  # what the length limit has cut off
    n_sequences: int = 1

    def __len__(self) -> int:
        return len(self.ids)

    def of_words(self) -> list[int]:
        """The ids of all tokens that belong to a word, as they stood before any was hidden."""
        whole = unhidden(self.ids, interleaved(self.positions, self.gold))
        return [number for number, word in zip(whole, self.words, strict=True) if word != NO_WORD]


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text start and end."""
    return [match.span() for match in _WORD.finditer(text)]


def how_many(words: int) -> int:
    """How many of so many words are chosen: one, where there are any at all, or more."""
    return max(1, round(SHARE * words)) if words else 0


def chosen(words: Sequence[int], random: Random) -> set[int]:
    """The words that are hidden."""
    drawn = sorted((random.random(), word) for word in words)
    return {word for _, word in drawn[: how_many(len(words))]}


def words_of_tokens(
    encoding: Encoding, spans: Sequence[tuple[int, int]], special: Collection[int]
) -> list[int]:
    """word_L: the word in which a token ends; NO_WORD of special tokens, also of those that the text spells
    out, and of tokens between words."""
    starts = [start for start, _ in spans]
    found = []
    rows = zip(encoding.ids, encoding.offsets, encoding.special_tokens_mask, strict=True)
    for number, (start, end), is_special in rows:
        word = bisect_right(starts, end - 1) - 1
        inside = start < end and word >= 0 and end <= spans[word][1]
        found.append(word if inside and not is_special and number not in special else NO_WORD)
    return found


def hide(
    ids: Sequence[int], words: Sequence[int], wanted: Collection[int], mask: int, tokens: int, random: Random
) -> tuple[list[int], list[int]]:
    """The ids_L with the words `wanted` hidden, and position_P of their tokens. `mask` is the mask token's id
    and `tokens` how many there are."""
    positions = [place for place, word in enumerate(words) if word in wanted]
    changed = list(ids)
    for place in positions:
        drawn, other = random.random(), int(tokens * random.random())
        if drawn < MASKED:
            changed[place] = mask
        elif drawn < MASKED + REPLACED:
            changed[place] = other
    return changed, positions


def interleaved(positions: Sequence[int], gold: Sequence[int]) -> list[int]:
    """A position, what stood there, the next position, ...: what a head is given beside the states."""
    return [number for pair in zip(positions, gold, strict=True) for number in pair]


def unhidden(ids: Sequence[int], extra: Sequence[int]) -> list[int]:
    """ids_L in which some words are hidden, and their `interleaved` -> the ids_L of the text."""
    whole = list(ids)
    for place, number in zip(extra[::2], extra[1::2], strict=True):
        whole[place] = number
    return whole


def hidden_anew(
    ids_L: np.ndarray, extra: Sequence[int], words: Sequence[int], mask: int, tokens: int, key: int
) -> tuple[np.ndarray, list[int]]:
    """ids_L in which some words are hidden, and what is `interleaved` of them -> others hidden."""
    whole = unhidden(ids_L.tolist(), extra)
    random = Random(key)  # noqa: S311 no secret is kept by it
    wanted = chosen(sorted({word for word in words if word != NO_WORD}), random)
    changed, positions = hide(whole, words, wanted, mask, tokens, random)
    gold = [whole[place] for place in positions]
    return np.array(changed, dtype=ids_L.dtype), interleaved(positions, gold)
