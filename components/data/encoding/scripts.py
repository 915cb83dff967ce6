"""Which scripts of a task's texts the tokenizer does not know: what it calls unknown, or spells letter by
letter.

A tokenizer learns its pieces from the texts that its encoder is trained on. Of a language among them it reads
several letters at a time; another one it cuts into single letters or bytes, of which the encoder knows
nothing (Rust et al. 2021, "How good is your tokenizer?", on fertility). A tokenizer that reads single letters
of every language is compared with itself, and so is never at fault.

Words count as often as they occur. A word with a digit in it (a part of an address, a key) is of no language
and says nothing, nor does one that is too short to be read several letters at a time.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from components.families.shared.words import UNSPACED, words
from components.records import Part
from components.spelling import script

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SOME = 0.1  # of a task's letters; a script with fewer is a name here and there
WORDS = 500  # of a script that are tried, the most frequent first
LONGEST = 30  # letters of a word that are tried
UNKNOWN = 0.2  # of a script's letters; more are no stray sign
FAMILIAR = 1 / 3  # of the letters of a piece in the vocabulary: who reads fewer at a time spells
STRANGE = "\U00012000"
RUN = re.compile(f"[{UNSPACED}]")  # of words without blanks between them, which a number may stand among
MARKED = 2  # pieces: the unknown one, and perhaps a mark of where a word begins
# A character says as much as so many letters; a kana is a vowel, or one behind a consonant.
DENSE = {"CJK": 3.0, "HIRAGANA": 1.5, "KATAKANA": 1.5, "HANGUL": 3.0}


class Unfamiliar(Part):
    """A script that the tokenizer does not know."""

    script: str  # as Unicode calls its letters
    letters: float  # its share of the letters of the task's texts
    unknown: float  # share of its letters that the tokenizer has no piece for
    at_a_time: float  # letters of a piece of the others; an ideograph counts as three, a kana as 1.5
    usual: float  # letters of a piece in the tokenizer's vocabulary

    @property
    def sentence(self) -> str:
        """What is wrong, as a clause."""
        how = f"it reads {self.at_a_time:.1f} letters at a time, and usually {self.usual:.0f}"
        if self.unknown > UNKNOWN:
            how = f"{self.unknown:.0%} of them are unknown"
        name = self.script if self.script == "CJK" else self.script.capitalize()
        return f"the tokenizer does not know these words in {name} ({self.letters:.0%} of the letters): {how}"


def unfamiliar(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Unfamiliar]:
    """Those of the texts' scripts that it does not know, the most frequent first."""
    counts = Counter(text[start:end][:LONGEST] for text in texts for start, end in words(text))
    by_script: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for word, count in counts.items():
        if is_of_a_language(word):
            by_script[script(word)][word] = count
    letters = {name: sum(_size(word) * n for word, n in own.items()) for name, own in by_script.items()}
    frequent = sorted(letters, key=lambda name: -letters[name])
    return list(_judged(tokenizer, [(name, by_script[name], letters[name]) for name in frequent]))


def _size(word: str) -> int:
    """Its letters and their marks."""
    return len(word) - sum(map(str.isdigit, word))


def is_of_a_language(word: str) -> bool:
    """Is it made of letters? Where words have blanks between them, of letters alone."""
    alone = _size(word) == len(word) or RUN.search(word) is not None
    return alone and any(map(str.isalpha, word))


def _judged(tokenizer: Tokenizer, found: Sequence[tuple[str, Counter[str], int]]) -> Iterator[Unfamiliar]:
    total, usual = sum(letters for *_, letters in found), _usual(tokenizer)
    for name, own, letters in found:
        if letters < SOME * total:
            return
        unknown, at_a_time = _read(tokenizer, own.most_common(WORDS), DENSE.get(name, 1), FAMILIAR * usual)
        if unknown > UNKNOWN or at_a_time < FAMILIAR * usual:
            yield Unfamiliar(
                script=name, letters=letters / total, unknown=unknown, at_a_time=at_a_time, usual=usual
            )


def _read(
    tokenizer: Tokenizer, tried: Sequence[tuple[str, int]], weight: float, least: float
) -> tuple[float, float]:
    """Of some words, each with how often it occurs: the share of their letters that is unknown, and the
    letters that a known piece has of those that have more than `least`; where there are none, so many. A run
    without blanks is hardly ever known as a whole."""
    encodings = tokenizer.encode_batch([f" {word}" for word, _ in tried], add_special_tokens=False)
    strange = -1 if (found := unknown_id(tokenizer)) is None else found
    letters = unknown = known = pieces = 0.0
    for (word, count), encoding in zip(tried, encodings, strict=True):
        size, missing = weight * _size(word), encoding.ids.count(strange)
        letters += count * size
        # A normaliser may have taken the whole word away.
        unknown += count * size * (missing / len(encoding) if len(encoding) else 1.0)
        if size > least and missing < len(encoding):
            named = zip(encoding.ids, encoding.offsets, strict=True)
            lost = sum(end - start for number, (start, end) in named if number == strange)
            known += count * (size - weight * lost)
            pieces += count * (len(encoding) - missing)
    return unknown / letters, known / pieces if pieces else least


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """What it writes for a letter that it does not know; None where it spells every letter by bytes. Not
    every tokenizer says so: it is asked about a sign of cuneiform."""
    encoding = tokenizer.encode(STRANGE, add_special_tokens=False)
    known = any(STRANGE in (tokenizer.id_to_token(piece) or "") for piece in encoding.ids)
    if known or not 0 < len(encoding) <= MARKED:
        return None
    return int(encoding.ids[-1])


def _usual(tokenizer: Tokenizer) -> float:
    """The letters of a piece of its vocabulary, by the median: not counting the alphabet, which it has for
    what it has no pieces for; 1 where that is all."""
    special = tokenizer.get_added_tokens_decoder()
    pieces = [[number] for number in tokenizer.get_vocab().values() if number not in special]
    found = map(_letters, tokenizer.decode_batch(pieces))  # of bytes the letters that they spell
    return float(statistics.median([count for count in found if count > 1] or [1]))


def _letters(piece: str) -> float:
    return sum(map(_weight, piece))


@cache
def _weight(character: str) -> float:
    return DENSE.get(script(character), 1) if character.isalpha() else 0
