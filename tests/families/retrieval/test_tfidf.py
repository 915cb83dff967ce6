"""Likeness by words, held to the definition of TF-IDF, and the best of a row of scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.families.retrieval import tfidf
from components.families.retrieval.tfidf import best, similarities


def test_cosines_are_those_by_hand() -> None:
    """Smoothed idf log((1 + N) / (1 + df)) + 1, tf 1 + log tf, unit length."""
    rare, common = np.log(3 / 2) + 1, np.log(3 / 3) + 1
    question = np.array([rare, common * (1 + np.log(2)), 0])  # "good plane plane"
    texts = np.array([[rare, common, 0], [0, common, rare]])  # "good plane", "plane late"
    cosine = texts @ question / np.linalg.norm(question) / np.linalg.norm(texts, axis=1)
    (found,) = similarities(["good plane plane unseen"], ["good plane", "plane late"])
    np.testing.assert_allclose(found, cosine)


def test_every_question_has_its_row_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"word{n}" for n in range(7)]
    monkeypatch.setattr(tfidf, "ROWS", 3)
    np.testing.assert_allclose(np.stack(list(similarities(texts, texts))), np.eye(7))


def test_chinese_is_compared_by_characters_and_symbols_by_nothing() -> None:
    (cosine,) = similarities(["退款"], ["我要退钱", "天气好", "!"])
    assert cosine[0] > 0 == cosine[1] == cosine[2]
    assert [list(row) for row in similarities(["?"], ["!", "?"])] == [[0, 0]]


def test_what_joins_and_marks_is_no_word_by_itself() -> None:
    """Two pictures that are joined from others have that in common, and nothing else."""
    (cosine,) = similarities(["👩\u200d💻 plane"], ["👨\u200d🚀 house", "1\ufe0f\u20e3 𞤆𞤵𞥅𞤤"])
    assert list(cosine) == [0, 0]
    assert list(next(iter(similarities(["𞤆𞤵𞥅"], ["𞤆𞤵𞥅𞤤", "plane"])))) == [0, 0]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(1, 40))
def test_the_best_are_those_of_a_stable_sort(scores: list[int], count: int) -> None:
    expected = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[:count]
    assert best(np.array(scores, dtype=np.float32), count) == expected
