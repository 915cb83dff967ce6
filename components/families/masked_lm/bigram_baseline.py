"""Guessing a word from the words beside it, by counting."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from components.families.masked_lm.unigram import Shares

EDGE = ""  # stands before the first word and behind the last
Context = tuple[str | None, str | None]  # the words before and behind; None: any
ANY: Context = (None, None)
BOTH, ONE, NONE = 0.5, 0.2, 0.1  # weights of what was seen between two words, beside one, anywhere


class Neighbours:
    """Shares of words between, behind and before others, mixed (Jelinek & Mercer 1980, with weights as
    given; those of contexts that were never seen go to the others)."""

    def __init__(self, texts: Iterable[Sequence[str]]) -> None:
        self._seen: dict[Context, Counter[str]] = defaultdict(Counter)
        for words in texts:
            for left, word, right in zip([EDGE, *words], words, [*words[1:], EDGE], strict=False):
                for context in ((left, right), (left, None), (None, right), ANY):
                    self._seen[context][word] += 1
        self._commonest = self._seen[ANY].most_common(1)[0][0]
        self._shares = Shares(self._seen[ANY])

    def guess(self, words: Sequence[str], number: int, hidden: Collection[int]) -> tuple[bool, float]:
        """Is the word of this number the likeliest, and the logarithm of its probability? The other hidden
        words are not looked at."""
        shown = [None if place in hidden else word for place, word in enumerate(words)]
        left, right = [EDGE, *shown][number], [*shown[1:], EDGE][number]
        weights: dict[Context, float] = {(left, right): BOTH, (left, None): ONE, (None, right): ONE}
        weights.pop(ANY, None)  # both neighbours are hidden
        known = [(weight, self._seen[one]) for one, weight in weights.items() if one in self._seen]
        whole = NONE + sum(weight for weight, _ in known)
        parts = [(weight / whole / counts.total(), counts) for weight, counts in known]

        def probability(word: str) -> float:
            anywhere = NONE / whole * self._shares.of(word)
            return anywhere + sum(part * counts[word] for part, counts in parts)

        candidates = {word for _, counts in parts for word in counts} | {self._commonest}
        likeliest = max(sorted(candidates), key=probability)
        word = words[number]
        if word in self._seen[ANY]:
            return likeliest == word, math.log(probability(word))
        return False, math.log(NONE / whole) + self._shares.log(word)
