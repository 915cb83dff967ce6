"""How families are found; tags and spans that fit their text."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import tasks
from components.tasks.base import BadRowError, text_key
from components.tasks.tagging import FAMILY as TAGGING
from components.tasks.tagging import best_path, entities, to_bio
from tests.tasks.families import metric

TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(TAGS, st.integers(0, 2**32 - 1)), min_size=1, max_size=20))
def test_entity_f1_is_seqevals(sentences: list[tuple[list[str], int]]) -> None:
    from seqeval.metrics import f1_score

    gold = [to_bio(tags) for tags, _ in sentences]
    predicted = [
        to_bio(np.random.default_rng(seed).choice(["O", "B-PER", "I-PER", "B-LOC"], len(tags)).tolist())
        for tags, seed in sentences
    ]
    rows, predictions = [{"tags": tags} for tags in gold], [{"tags": tags} for tags in predicted]
    expected = f1_score(gold, predicted, zero_division=0)
    assert metric(TAGGING, "entity_f1", rows, predictions, {}) == pytest.approx(expected)


@given(TAGS)
def test_a_repaired_sequence_is_well_formed_and_keeps_its_entities(tags: list[str]) -> None:
    repaired = to_bio(tags)
    assert to_bio(repaired) == repaired
    assert entities(repaired) == entities(tags)
    for before, tag in zip(["O", *repaired], repaired, strict=False):
        assert not tag.startswith("I-") or before[2:] == tag[2:]


@pytest.mark.parametrize("tag", ["PER", "X-PER", "B-", "I", ""])
def test_a_tag_that_is_no_bio_is_refused(tag: str) -> None:
    with pytest.raises(BadRowError, match="tag 2 is .* expected O, B-TYPE or I-TYPE"):
        to_bio(["O", tag])


@given(words=st.integers(0, 4), seed=st.integers(0, 10_000))
def test_the_best_path_is_the_best_of_all_well_formed_sequences(words: int, seed: int) -> None:
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    logits = np.random.default_rng(seed).normal(size=(words, 5))
    legal = [
        path for path in itertools.product(range(5), repeat=words) if well_formed([tags[i] for i in path])
    ]
    expected = max(legal, key=lambda path: sum(logits[word, tag] for word, tag in enumerate(path)))
    assert best_path(logits, tags) == [tags[i] for i in expected]


def well_formed(tags: list[str]) -> bool:
    return to_bio(tags) == tags


def test_iob1_reads_as_bio() -> None:
    assert to_bio(["I-PER", "I-PER", "O", "I-LOC", "B-LOC"]) == ["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]


def test_text_keys_ignore_case_punctuation_and_spacing_only() -> None:
    assert text_key("Hello,  World!") == text_key("hello world")
    assert text_key("hello world") != text_key("helloworld")
    assert text_key("!!!") != text_key("???")


def test_families_are_found_by_their_files() -> None:
    expected = {"classification", "multi_label", "multiple_choice", "ordinal", "regression", "tagging"}
    assert expected <= set(tasks.names())
    assert all(tasks.get(name).name == name for name in tasks.names())
    with pytest.raises(KeyError):
        tasks.get("ranking")
