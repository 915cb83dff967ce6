"""Guessing a word from the words beside it, by counting."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

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
        everything = self._seen[ANY]
        self._total = everything.total() + len(everything) + 1  # Laplace's rule, an unknown word counted

    def guess(self, words: Sequence[str], number: int, hidden: Collection[int]) -> tuple[bool, float]:
        """Is the word of this number the likeliest, and the logarithm of its probability? The other hidden
        words are not looked at."""
        known = [None if place in hidden else word for place, word in enumerate(words)]
        left, right = [EDGE, *known][number], [*known[1:], EDGE][number]
        weights: dict[Context, float] = {(left, right): BOTH, (left, None): ONE, (None, right): ONE}
        weights.pop(ANY, None)  # both neighbours are hidden
        seen = [(weight, self._seen[one]) for one, weight in weights.items() if one in self._seen]
        candidates = {word for _, counts in seen for word in counts}
        candidates |= {word for word, _ in self._seen[ANY].most_common(1)}
        likeliest = max(sorted(candidates), key=lambda word: self._probability(word, seen))
        return likeliest == words[number], math.log(self._probability(words[number], seen))

    def _probability(self, word: str, seen: Sequence[tuple[float, Counter[str]]]) -> float:
        total = NONE * (self._seen[ANY][word] + 1) / self._total
        total += sum(weight * counts[word] / counts.total() for weight, counts in seen)
        return total / (NONE + sum(weight for weight, _ in seen))
