"""Texts as tokens and copied words, and back, without a loss."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.families.generation import copy_vocabulary
from tests.families.tiny_tokenizers import CORPUS

VOCABULARY = copy_vocabulary.learn(CORPUS, 400)
SIZE = copy_vocabulary.outputs(VOCABULARY)
TEXT = st.text(max_size=40)


def test_what_looks_like_a_special_token_is_text() -> None:
    """Or a target that spells out the end would end there."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(VOCABULARY)
    tokenizer.add_special_tokens(["</s>"])
    end = tokenizer.token_to_id("</s>")
    assert end in tokenizer.encode("a </s> b").ids
    read = copy_vocabulary.read(tokenizer.to_str())
    assert end not in read.encode("a </s> b").ids
    assert read.decode(read.encode("a </s> b").ids) == "a </s> b"


def test_a_long_text_without_spaces_is_learnt_from_in_a_moment() -> None:
    began = time.process_time()
    copy_vocabulary.learn([*CORPUS, "他在北京工作我们很好" * 20_000], 1000)
    assert time.process_time() - began < 10  # of the whole, a quarter of an hour


@settings(max_examples=40)
@given(TEXT)
def test_any_text_comes_back_whole(text: str) -> None:
    assert copy_vocabulary.spell(copy_vocabulary.write(text, [], VOCABULARY), [], VOCABULARY) == text


@settings(max_examples=40)
@given(
    st.lists(
        st.sampled_from(["Ada", "re", "-", " ", "  ", "\n", "他", "在", "x_y", "(", "naïve"]), max_size=12
    )
)
def test_any_text_comes_back_whole_with_words_that_are_copied(parts: list[str]) -> None:
    text, words = "".join(parts), ["Ada", "他", "在", "x_y", "naïve", "re"]
    numbers = copy_vocabulary.write(text, words, VOCABULARY)
    assert copy_vocabulary.spell(numbers, words, VOCABULARY) == text


def test_a_word_of_the_source_is_one_number_and_takes_the_space_before_it() -> None:
    words = ["Turin", "Ada"]
    ada, spaced_turin = SIZE + 2 * 1, SIZE + 2 * 0 + 1
    assert copy_vocabulary.write("Ada Turin", words, VOCABULARY) == [ada, spaced_turin]
    assert copy_vocabulary.write("Ada  Turin", words, VOCABULARY)[0] == ada
    assert copy_vocabulary.write("Ada  Turin", words, VOCABULARY)[-1] == spaced_turin
    assert all(number < SIZE - 1 for number in copy_vocabulary.write("Adam Turing", words, VOCABULARY))


def test_the_end_is_no_token_of_any_text() -> None:
    assert copy_vocabulary.read(VOCABULARY).get_vocab_size() + 1 == SIZE
    assert 256 < SIZE <= 401


def test_a_vocabulary_has_fewer_tokens_where_the_texts_give_no_more() -> None:
    assert copy_vocabulary.outputs(copy_vocabulary.learn(["ab", "ba"], 5000)) < 300


def test_the_same_texts_give_the_same_vocabulary() -> None:
    assert copy_vocabulary.learn(CORPUS, 400) == VOCABULARY


@pytest.mark.parametrize("pair", [False, True])
def test_words_of_the_source_are_where_their_first_token_is(any_tokenizer: Any, pair: bool) -> None:
    parts = ["Ada was born in London.", "London, 他在 Turin"][: 2 if pair else 1]
    any_tokenizer.enable_truncation(max_length=100)
    encoding = any_tokenizer.encode(*parts)
    found = copy_vocabulary.words_of(parts, encoding, 50)
    assert list(found) == ["Ada", "was", "born", "in", "London", *(["他", "在", "Turin"] if pair else [])]
    for word, place in found.items():
        part = encoding.token_to_sequence(place)
        start, end = encoding.offsets[place]
        assert parts[part][start:end].strip()
        assert word.startswith(parts[part][start:end].strip()[: len(word)])


def test_words_that_were_cut_off_and_more_than_are_wanted_are_left_out(tokenizer: Any) -> None:
    text = "good plane late london paris"
    tokenizer.enable_truncation(max_length=5)
    assert list(copy_vocabulary.words_of([text], tokenizer.encode(text), 50)) == ["good", "plane", "late"]
    assert list(copy_vocabulary.words_of([text], tokenizer.encode(text), 2)) == ["good", "plane"]
    tokenizer.enable_truncation(max_length=5, direction="left")
    assert list(copy_vocabulary.words_of([text], tokenizer.encode(text), 50)) == ["late", "london", "paris"]


def test_a_word_of_more_than_64_characters_is_not_copied(any_tokenizer: Any) -> None:
    """Or an answer of so many tokens could be as many times as long as any text."""
    longest = "a" * 64
    any_tokenizer.enable_truncation(max_length=500)
    text = f"b{longest} {longest} plane"
    assert list(copy_vocabulary.words_of([text], any_tokenizer.encode(text), 50)) == [longest, "plane"]
