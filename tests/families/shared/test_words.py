"""Words of many scripts, and the pieces that stand for them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.families.shared.words import first_pieces, read_words, units, words
from tests.families.tiny_tokenizers import CORPUS, KINDS, build


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't pay 3.50!", ["Don", "'", "t", "pay", "3", ".", "50", "!"]),
        ("यह हिन्दी है।", ["यह", "हिन्दी", "है", "।"]),
        ("ภาษาไทย ที่", ["ภาษาไทย", "ที่"]),
        ("مَرْحَبًا بِكَ", ["مَرْحَبًا", "بِكَ"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("cafe\u0301 ❤\ufe0f", ["cafe\u0301", "❤\ufe0f"]),
        ("can\u00adnot 10\u2060kg 𞤆𞤵𞥅𞤤", ["can\u00adnot", "10\u2060kg", "𞤆𞤵𞥅𞤤"]),
    ],
)
def test_vowel_signs_accents_and_joiners_do_not_break_words(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in words(text)] == expected


@given(st.text(max_size=50), st.sampled_from(["word", "character"]))
def test_the_units_of_any_text_hold_every_character_but_spaces(text: str, unit: str) -> None:
    assert "".join(text[start:end] for start, end in units(text, unit)) == "".join(text.split())


@pytest.fixture(scope="module", params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return build(request.param)


@given(
    text=st.one_of(st.sampled_from(CORPUS), st.text(max_size=50)), unit=st.sampled_from(["word", "character"])
)
def test_a_words_first_piece_holds_a_character_of_it_and_of_none_before(
    tokenizer: Any, text: str, unit: str
) -> None:
    encoding, found = tokenizer.encode(text), units(text, unit)
    pieces = first_pieces(encoding, found)
    assert list(pieces.values()) == sorted(set(pieces.values()))
    for number, position in pieces.items():
        low, high = encoding.offsets[position]
        assert low < found[number][1]
        assert high > found[number][0]


def test_every_word_of_a_known_text_has_a_piece(tokenizer: Any) -> None:
    for text in (CORPUS[0], CORPUS[2], CORPUS[5]):
        encoding = tokenizer.encode(text)
        assert len(first_pieces(encoding, words(text))) == len(words(text))


def test_words_are_read_from_a_list_from_json_and_from_a_text() -> None:
    for value in (["a", "b,"], '["a", "b,"]', "a b,"):
        assert read_words({"tokens": value}, "tokens") == ["a", "b,"]
    assert read_words({"tokens": "[1] a"}, "tokens") == ["[1]", "a"]
    assert read_words({"tokens": '["a'}, "tokens") == ['["a']
