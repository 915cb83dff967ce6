"""Several annotators of one text: what most of them say, and how far they agree."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data.sources.crowd import Answer, agreement, majority


def spans(*names: str) -> list[dict]:
    """Of a letter each, side by side: "a" is the first; of several letters, from the first to the last."""
    return [{"id": name, "start": ord(name[0]), "end": ord(name[-1]) + 1} for name in names]


def chosen(**values: object) -> Answer:
    return Answer(chosen={name: [value] for name, value in values.items()})


def ids(answer: Answer | None) -> list[str]:
    assert answer is not None
    return [span["id"] for span in answer.spans]


def test_a_span_stays_that_more_than_half_have_marked() -> None:
    three = [Answer(spans("a", "b")), Answer(spans("a")), Answer(spans("b", "c"))]
    assert ids(majority(three)) == ["a", "b"]
    five = [*three, Answer(), Answer(spans("a"))]
    assert ids(majority(five)) == ["a"]  # two of five are not half of them


@pytest.mark.parametrize(
    "marked",
    [
        ["a", "c"],  # two who agree on nothing: "no entity" is what neither says
        ["a", ""],  # as many say that there is one as that there is none
        ["ab", "bc", "abc"],  # all say that there is one, and each that it is another
        ["e a", "e c"],  # that another one is clear helps nobody here
    ],
)
def test_where_no_more_than_half_say_that_there_is_none_it_is_undecided(marked: list[str]) -> None:
    assert majority([Answer(spans(*each.split())) for each in marked]) is None


def test_where_most_agree_how_others_place_it_is_outvoted() -> None:
    assert ids(majority([Answer(spans(each)) for each in ("ab", "ab", "bc")])) == ["ab"]


def test_a_relation_of_which_nobody_knows_the_type_is_undecided() -> None:
    kinds = [Answer(spans("a", "c"), [("a", "c", kind)]) for kind in ("met", "saw", "knew")]
    assert majority(kinds) is None
    assert majority([kinds[0], Answer(spans("a", "c"))]) is None
    voted = majority([kinds[0], kinds[0], kinds[1]])
    assert voted is not None
    assert list(voted.relations) == [("a", "c", "met")]


def test_of_several_classes_none_is_an_answer_only_where_most_give_none() -> None:
    assert majority([Answer(chosen={"topics": list(topics)}) for topics in ("a", "bc")]) is None
    assert majority([Answer(chosen={"topics": list(topics)}) for topics in ("ab", "cd", "ef")]) is None
    voted = majority([Answer(chosen={"topics": ["a", "b"]}), Answer(), Answer()])
    assert voted is not None
    assert voted.chosen == {"topics": []}


def test_a_relation_stays_only_between_spans_that_do() -> None:
    link = ("a", "c", "met")
    one, other = Answer(spans("a", "c"), [link]), Answer(spans("a"))
    voted = majority([one, other, Answer(spans("a"), [link])])
    assert voted is not None
    assert (ids(voted), list(voted.relations)) == (["a"], [])
    agreed = majority([one, one, other])
    assert agreed is not None
    assert list(agreed.relations) == [link]


def test_the_commonest_class_wins_and_a_tie_has_no_winner() -> None:
    voted = majority([chosen(mood="good"), chosen(mood="bad"), chosen(mood="good")])
    assert voted is not None
    assert voted.chosen == {"mood": ["good"]}
    assert majority([chosen(mood="good"), chosen(mood="bad")]) is None


def test_several_classes_are_voted_on_one_by_one_and_numbers_have_their_median() -> None:
    many = [Answer(chosen={"topics": list(topics)}) for topics in ("ab", "a", "bc")]
    voted = majority(many)
    assert voted is not None
    assert voted.chosen == {"topics": ["a", "b"]}
    rated = majority([chosen(stars=1), chosen(stars=5), chosen(stars=4)])
    assert rated is not None
    assert rated.chosen == {"stars": [4]}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([chosen(mood="good")] * 3, 1.0),
        ([chosen(mood="good"), chosen(mood="good"), chosen(mood="bad")], 1 / 3),  # one pair of three
        ([Answer(spans("a", "b")), Answer(spans("a"))], 2 / 3),  # precision 1, recall 1/2
        ([Answer(), Answer()], 1.0),
        ([Answer(), Answer(spans("a"))], 0.0),
    ],
)
def test_agreement_is_the_mean_f1_of_every_two(answers: list[Answer], expected: float) -> None:
    assert agreement(answers) == pytest.approx(expected)


@given(st.lists(st.sets(st.sampled_from("abcd")), min_size=2, max_size=5))
def test_whoever_says_the_same_agrees_and_no_order_matters(marked: list[set[str]]) -> None:
    answers = [Answer(spans(*sorted(each))) for each in marked]
    assert 0 <= agreement(answers) <= 1
    assert (agreement(answers) == 1) == all(one == other for one, other in pairwise(marked))
    one, other = majority(answers), majority(answers[::-1])
    assert (one is None) == (other is None)
    assert one is None or set(ids(one)) == set(ids(other))
