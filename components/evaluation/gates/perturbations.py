"""Ways in which the words of a text are altered: pure functions of the words and of what is drawn.

Typos and noise keep a word a word, so that tags stay with theirs.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from random import Random

Words = list[str]
Change = Callable[[str, Random], str]  # of one word
Alter = Callable[[Words, Random, float], "list[str | None]"]
Pool = dict[tuple[str, int], list[tuple[str, ...]]]  # (type, words) -> entities of that type and length
LONG = 4  # letters of a word that a typo leaves readable
# Words behind which English says "not"; in other languages there is nothing to negate.
AUXILIARIES = frozenset(
    (
        *("is", "are", "was", "were", "am", "do", "does", "did", "has", "have", "had"),
        *("can", "could", "will", "would", "shall", "should", "must", "may", "might"),
    )
)


def typos(words: Words, random: Random, rate: float) -> list[str | None]:
    """Two neighbouring letters inside a word change places."""
    return _some(words, random, rate, lambda word: word.isalpha() and len(word) >= LONG, _swapped_letters)


def noise(words: Words, random: Random, rate: float) -> list[str | None]:
    """A letter inside a word goes, comes, or is another."""
    return _some(words, random, rate, lambda word: word.isalpha() and len(word) >= LONG, _noisy)


def casing(words: Words, random: Random, rate: float) -> list[str | None]:
    """All letters are small, or all are capitals."""
    change = random.choice([str.lower, str.upper])
    return [change(word) for word in words]


def dropped_words(words: Words, random: Random, rate: float) -> list[str | None]:
    """Some words are missing; one stays."""
    gone = _places(range(len(words)), random, rate, len(words) - 1)
    return [None if place in gone else word for place, word in enumerate(words)]


def negation(words: Words, random: Random, rate: float) -> list[str | None]:
    """English: "not" comes behind the first auxiliary, or goes from there."""
    for place, word in enumerate(words):
        if word.lower() in AUXILIARIES:
            if words[place + 1 : place + 2] == ["not"]:
                return [*words[: place + 1], None, *words[place + 2 :]]
            return [*words[:place], f"{word} not", *words[place + 1 :]]
    return list(words)


KINDS: Mapping[str, Alter] = {
    "typos": typos,
    "casing": casing,
    "noise": noise,
    "dropped_words": dropped_words,
    "negation": negation,
}


def swap(
    words: Words, entities: Sequence[tuple[str, int, int]], pool: Pool, random: Random
) -> list[str | None]:
    """Each entity is another one of its type that has as many words."""
    found: list[str | None] = list(words)
    for kind, first, last in entities:
        own = tuple(words[first : last + 1])
        others = sorted(set(pool.get((kind, len(own)), [])) - {own})
        if others:
            found[first : last + 1] = random.choice(others)
    return found


def ambiguous(pairs: Mapping[str, str]) -> str | None:
    """What cannot be exchanged as these pairs say, in a clause that begins with a term; None: all can."""
    seen: set[str] = set()
    for pair in pairs.items():
        for term in pair:
            if not re.fullmatch(r"\w+", term):
                return f"{pair[0]}: '{term}' is not one word, and words are exchanged"
            if term.lower() in seen:
                return f"{pair[0]}: '{term}' stands in two places; expected each term in one pair"
            seen.add(term.lower())
    return None


def exchanged(words: Words, pairs: Mapping[str, str]) -> list[str | None]:
    """Terms give way to those that they are paired with, in either direction; case and punctuation stay."""
    both = {**{b.lower(): a for a, b in pairs.items()}, **{a.lower(): b for a, b in pairs.items()}}
    return [re.sub(r"\w+", lambda match: _exchanged(match[0], both), word) for word in words]


def _exchanged(word: str, both: Mapping[str, str]) -> str:
    other = both.get(word.lower())
    if other is None:
        return word
    return (
        other.upper()
        if word.isupper() and len(word) > 1
        else other.capitalize()
        if word[0].isupper()
        else other
    )


def _some(
    words: Words,
    random: Random,
    rate: float,
    fit: Callable[[str], bool],
    change: Callable[[str, Random], str],
) -> list[str | None]:
    """The words, some of the fitting ones changed: that share of all words, at least one."""
    able = [place for place, word in enumerate(words) if fit(word)]
    chosen = _places(able, random, rate, len(able), of=len(words))
    return [change(word, random) if place in chosen else word for place, word in enumerate(words)]


def _places(able: Sequence[int], random: Random, rate: float, most: int, of: int | None = None) -> set[int]:
    count = min(most, max(1, round(rate * (len(able) if of is None else of))))
    return set(random.sample(list(able), max(0, count)))


def _swapped_letters(word: str, random: Random) -> str:
    """First and last letter stay, as in most slips of typists."""
    differing = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    if not differing:
        return word
    at = random.choice(differing)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _noisy(word: str, random: Random) -> str:
    at, letter = random.randrange(1, len(word)), random.choice(string.ascii_lowercase)
    rest = random.choice([word[at + 1 :], letter + word[at:], letter + word[at + 1 :]])
    return word[:at] + rest
