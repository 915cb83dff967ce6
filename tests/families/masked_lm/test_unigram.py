"""Shares of words: known ones by Laplace's rule, unknown ones spelt."""

import itertools
import math
from collections import Counter

import pytest

from components.families.masked_lm.unigram import Shares


def test_a_known_word_has_its_share_and_an_unknown_one_is_spelt() -> None:
    """By hand: the words ab, ab and b, so a total of 3 + 2 + 1, and the letters a, b, b and two ends."""
    shares = Shares(Counter(["ab", "ab", "b"]))
    assert shares.log("ab") == pytest.approx(math.log(3 / 6))
    assert shares.log("b") == pytest.approx(math.log(2 / 6))
    end, a, b, other = 3 / 9, 2 / 9, 3 / 9, 1 / 9
    assert shares.log("ba") == pytest.approx(math.log(1 / 6 * b * a * end))
    assert shares.log("c") == pytest.approx(math.log(1 / 6 * other * end))
    assert shares.of("ba") == shares.of("c") == 1 / 6


def test_all_words_that_there_can_be_share_no_more_than_one() -> None:
    """Without the spelling each unknown word had the share of all, and three of them together more than 1."""
    shares = Shares(Counter({"ab": 2, "b": 1}))
    words = ["".join(letters) for n in range(1, 9) for letters in itertools.product("ab", repeat=n)]
    whole = math.fsum(math.exp(shares.log(word)) for word in words)
    assert 5 / 6 < whole < 1


def test_a_word_of_any_length_has_a_logarithm() -> None:
    assert math.isfinite(Shares(Counter(a=1)).log("z" * 10_000))
