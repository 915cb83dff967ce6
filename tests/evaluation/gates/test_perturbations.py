"""Altered words: what is drawn decides, and nothing else; words stay words."""

from __future__ import annotations

from random import Random

import pytest

from components import families
from components.evaluation.gates import perturbations
from components.families.base.capabilities import NamesThings, Rewordable

WORDS = [
    "Angela",
    "Merkel",
    "is",
    "not",
    "happy",
    "with",
    "the",
    "delivery",
    "of",
    "3",
    "parcels,",
    "honestly",
]


@pytest.mark.parametrize("kind", perturbations.KINDS)
def test_the_same_draw_alters_alike_and_another_otherwise(kind: str) -> None:
    alter = perturbations.KINDS[kind]
    first, again = (alter(WORDS, Random(1), 0.3) for _ in range(2))
    assert first == again != WORDS
    assert len(first) == len(WORDS)
    others = {tuple(map(str, alter(WORDS, Random(seed), 0.3))) for seed in range(20)}
    assert (len(others) > 1) == (kind != "negation")


def test_a_typo_keeps_the_letters_and_noise_changes_one() -> None:
    for seed in range(50):
        words = perturbations.typos(["delivery"], Random(seed), 0.1)
        assert sorted(str(words[0])) == sorted("delivery") and words != ["delivery"]
        noisy = str(perturbations.noise(["delivery"], Random(seed), 0.1)[0])
        assert noisy[0] == "d" and abs(len(noisy) - len("delivery")) <= 1
    assert perturbations.typos(["a", "3", "of"], Random(0), 1.0) == ["a", "3", "of"]


def test_the_rate_is_of_all_words_and_at_least_one_is_altered() -> None:
    words = ["delivery"] * 40
    for rate, expected in ((0.001, 1), (0.25, 10), (1.0, 40)):
        altered = perturbations.typos(words, Random(3), rate)
        assert sum(new != old for new, old in zip(altered, words, strict=True)) == expected
    assert perturbations.dropped_words(["one"], Random(0), 1.0) == ["one"]


def test_negation_comes_and_goes() -> None:
    assert perturbations.negation(["it", "is", "late"], Random(0), 0.1) == ["it", "is not", "late"]
    assert perturbations.negation(["it", "is", "not", "late"], Random(0), 0.1) == ["it", "is", None, "late"]
    assert perturbations.negation(["nothing", "here"], Random(0), 0.1) == ["nothing", "here"]


def test_terms_are_exchanged_in_both_directions_with_their_case_and_punctuation() -> None:
    words = ["He", "said", "SHE", "knew", "he,", "but", "the", "shed"]
    expected = ["She", "said", "HE", "knew", "she,", "but", "the", "shed"]
    assert perturbations.exchanged(words, {"he": "she"}) == expected


def test_tags_stay_with_their_words_and_a_tagged_word_is_never_dropped() -> None:
    family = families.get("tagging")
    assert isinstance(family, Rewordable)
    row = {
        "id": "1",
        "text": "Ada Lovelace,  now in London",
        "tokens": ["Ada", "Lovelace", ",", "now", "in", "London"],
        "tags": ["B-PER", "I-PER", "O", "O", "O", "B-LOC"],
    }
    found = family.reworded(row, lambda words: [None] * len(words))
    assert found and found["tokens"] == ["Ada", "Lovelace", "London"]
    assert found["tags"] == ["B-PER", "I-PER", "B-LOC"]
    assert found["text"] == "Ada Lovelace  London" or found["text"] == "Ada Lovelace London"
    upper = family.reworded(row, lambda words: [word.upper() for word in words])
    assert upper and upper["text"] == "ADA LOVELACE,  NOW IN LONDON" and upper["tags"] == row["tags"]


def test_entities_are_swapped_for_others_of_their_type_and_length() -> None:
    family = families.get("tagging")
    assert isinstance(family, NamesThings) and isinstance(family, Rewordable)
    row = {"text": "Ada met Bo", "tokens": ["Ada", "met", "Bo"], "tags": ["B-PER", "O", "B-PER"]}
    pool = {("PER", 1): [("Ada",), ("Cy",)], ("LOC", 1): [("Rome",)]}
    named = family.entities(row)
    found = family.reworded(row, lambda words: perturbations.swap(words, named, pool, Random(0)))
    assert found and found["tokens"][0] == "Cy" and found["tokens"][2] in ("Ada", "Cy")
    assert found["text"] == " ".join(found["tokens"])
    assert family.entities({"tags": ["NOUN", "VERB"]}) == []


@pytest.mark.parametrize("name", ["relation", "sentence_order", "context_prediction"])
def test_where_the_target_would_be_lost_no_row_is_altered(name: str) -> None:
    family = families.get(name)
    assert isinstance(family, Rewordable)
    assert family.reworded({"text": "a b"}, list) is None


def test_a_question_is_altered_and_its_context_never() -> None:
    family = families.get("span")
    assert isinstance(family, Rewordable)
    row = {"question": "where is it", "context": "It is here.", "answers": [{"text": "here", "start": 6}]}
    found = family.reworded(row, lambda words: [word.upper() for word in words])
    assert found == {**row, "question": "WHERE IS IT"}
