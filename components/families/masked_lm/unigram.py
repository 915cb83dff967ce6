"""How likely a word is that nothing else is known of: its share of the words of some texts."""

from __future__ import annotations

import math
from collections import Counter

END = "\n"  # of a word, a letter that none has


class Shares:
    """Laplace's rule, with all unknown words counted as one; an unknown word is then spelt, letter by letter
    to its end, each letter with its share of the known words' letters (as Brown et al. 1992 spell them: "An
    estimate of an upper bound for the entropy of English"). So all words there can be share 1: who
    guesses by tokens names an unknown word among all others, too.
    """

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._total = _total(counts)
        self._letters = Counter(letter for word in counts for letter in [*word, END])
        self._all_letters = _total(self._letters)

    def of(self, word: str) -> float:
        """The share of a word that is known; that of all others together, where it is not."""
        return (self._counts[word] + 1) / self._total

    def log(self, word: str) -> float:
        """The logarithm (nats) of a word's own share."""
        if word in self._counts:
            return math.log(self.of(word))
        spelt = ((self._letters[letter] + 1) / self._all_letters for letter in [*word, END])
        return math.log(self.of(word)) + sum(map(math.log, spelt))


def _total(counts: Counter[str]) -> int:
    """Of all counts, each one more than it is, and of what is unknown."""
    return counts.total() + len(counts) + 1
