"""Pairs of long texts, shortened before tokenizers cuts them.

Tokenizers keeps what it cuts off, and of a pair every combination of a part of the one text with a part of
the other: two texts of 20,000 characters, cut at 48 tokens, took gigabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

LONG = 8  # characters for each token of the limit; of a shorter text the parts are few


def shortened(tokenizer: Tokenizer, pair: tuple[str, str]) -> tuple[str, str]:
    """A pair of long texts without what is cut off in any case; any other pair as it is.

    Of each is left what would fit if it were alone, and of the one with more tokens twice as much: it then
    still has more, and gets the odd token.
    """
    cut = tokenizer.truncation
    if not cut or cut["strategy"] != "longest_first" or min(map(len, pair)) <= LONG * cut["max_length"]:
        return pair
    first, second = (_parts(tokenizer, text) for text in pair)
    more = _tokens(first) - _tokens(second)
    return pair[0][: _end(first[: 1 + (more > 0)])], pair[1][: _end(second[: 1 + (more < 0)])]


def _parts(tokenizer: Tokenizer, text: str) -> list[Encoding]:
    """What fits of a text, then what is cut off."""
    encoding = tokenizer.encode(text)
    return [encoding, *encoding.overflowing]


def _tokens(parts: list[Encoding]) -> int:
    return sum(part.special_tokens_mask.count(0) for part in parts)


def _end(parts: list[Encoding]) -> int:
    return max(end for part in parts for _, end in part.offsets)
