"""Texts as numbers that a decoder can say: tokens of a learnt vocabulary, and words copied from the source.

A vocabulary of V outputs is a byte-level BPE (Sennrich 2016; Radford 2019), so every text can be written, and
its last output is the end. V + 2 j is word j of the source, V + 2 j + 1 the same with a space before it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from components.families.shared.words import UNSPACED

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")  # what can be copied
LONGEST = 64  # characters of a word that is copied: an answer of so many tokens is then so long at most
SAMPLE = 2_000  # texts that say how many characters a token has
LEARNT = 4_000  # characters of a text: to learn from a word takes the square of its length


def learn(texts: Iterable[str], size: int) -> str:
    """The vocabulary (JSON) of the texts' beginnings, of `size` tokens and bytes or fewer if they do not
    give so many."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=alphabet)
    tokenizer.train_from_iterator((text[:LEARNT] for text in texts), trainer)
    return str(tokenizer.to_str())


class Seen:
    """What goes by: how many texts, and whether any is another than the first."""

    def __init__(self) -> None:
        self.count, self.different = 0, False
        self.sample: list[str] = []

    def each(self, texts: Iterable[str]) -> Iterator[str]:
        """The texts, one by one."""
        for text in texts:
            self.count += 1
            if self.count <= SAMPLE:
                self.sample.append(text)
            self.different = self.different or text != self.sample[0]
            yield text

    def characters_per_token(self, vocabulary: str) -> float:
        """On average, of the first texts."""
        tokens = sum(len(read(vocabulary).encode(text).ids) for text in self.sample)
        return sum(map(len, self.sample)) / max(1, tokens)


@functools.lru_cache(maxsize=16)
def read(vocabulary: str) -> Tokenizer:
    """The tokenizer of this JSON; what looks like a special token in a text is text."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(vocabulary)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer


def outputs(vocabulary: str) -> int:
    """V: the tokens, and the end."""
    return int(read(vocabulary).get_vocab_size()) + 1


def words_of(parts: Sequence[str], encoding: Encoding, most: int) -> dict[str, int]:
    """The first distinct words of a source, and the token at which each first begins; words that were cut off
    or are too long are left out."""
    found: dict[str, int] = {}
    for number, part in enumerate(parts):
        for match in WORD.finditer(part):
            if len(found) == most:
                return found
            if match[0] not in found and len(match[0]) <= LONGEST:
                place = encoding.char_to_token(match.start(), number)
                if place is not None:
                    found[match[0]] = place
    return found


def write(text: str, words: Iterable[str], vocabulary: str) -> list[int]:
    """The numbers of a text: words of the source are copied, the rest is said; without the end."""
    tokenizer, size = read(vocabulary), outputs(vocabulary)
    known = {word: number for number, word in enumerate(words)}
    numbers: list[int] = []
    done = 0
    for match in WORD.finditer(text):
        if match[0] in known:
            spaced = match.start() > done and text[match.start() - 1] == " "
            numbers += tokenizer.encode(text[done : match.start() - spaced]).ids
            numbers.append(size + 2 * known[match[0]] + spaced)
            done = match.end()
    return numbers + list(tokenizer.encode(text[done:]).ids)


def spell(numbers: Iterable[int], words: Sequence[str], vocabulary: str) -> str:
    """The text of these numbers: what `write` reads."""
    tokenizer, size = read(vocabulary), outputs(vocabulary)
    text = ""
    for copied, run in itertools.groupby(numbers, key=lambda number: number >= size):
        if not copied:
            text += tokenizer.decode(list(run))
            continue
        for number in run:
            place, spaced = divmod(number - size, 2)
            text += " " * spaced + (words[place] if place < len(words) else "")
    return text
