"""Knowledge graphs: triples read or refused in one sentence, what is known of them, losses by hand.

The graph is synthetic: who lives where, and which country a town is in.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

from components.errors import BadRowError
from components.families.base import Facts, Row
from components.families.knowledge_graph.family import FAMILY
from tests.families.families import UNICODE, learn, losses_add_up, metric, read, resampled_equals_repeated

GOOD = {"head": "alice", "relation": "lives in", "tail": "paris"}
TRAIN = [
    ("alice", "lives in", "paris"),
    ("bob", "lives in", "paris"),
    ("carol", "lives in", "rome"),
    ("dave", "lives in", "paris"),
    ("paris", "is in", "france"),
    ("rome", "is in", "italy"),
]
TEST = [("alice", "lives in", "rome"), ("erin", "lives in", "paris")]


def rows(triples: list[tuple[str, str, str]]) -> list[Row]:
    return [dict(zip(("head", "relation", "tail"), triple, strict=True)) for triple in triples]


def facts_of(train: list[Row], test: list[Row], **options: Any) -> Facts:
    """As ingest writes them."""
    facts = learn(FAMILY, train, **options)
    return facts | FAMILY.facts_of_all_splits(
        facts, {"train": iter(train), "validation": iter(()), "test": iter(test)}
    )


FACTS = facts_of(rows(TRAIN), rows(TEST))
NUMBER = {name: number for number, name in enumerate(FACTS["entities"])}


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"head": None}, "'head' is missing, expected a text"),
        ({"head": " \t"}, "'head' is empty, expected a text"),
        ({"head": 7}, "'head' is 7, expected a text"),
        ({"head": ["alice"]}, "'head' is ['alice'], expected a text"),
        ({"head": "\ud800"}, "'head' has half a surrogate pair at character 0, expected Unicode text"),
        ({"relation": ""}, "'relation' is empty, expected a text"),
        ({"relation": 3.5}, "'relation' is 3.5, expected a text"),
        (
            {"relation": "live in"},
            "'relation' is 'live in' (did you mean 'lives in'?), which no training row has; "
            "expected one of is in, lives in",
        ),
        (
            {"relation": "inverse of is in"},
            "'relation' is 'inverse of is in', which no training row has; expected one of is in, lives in",
        ),
        ({"tail": None}, "'tail' is missing, expected a text"),
        ({"tail": "\n"}, "'tail' is empty, expected a text"),
        ({"tail": {"name": "paris"}}, "'tail' is {'name': 'paris'}, expected a text"),
    ],
)
def test_a_malformed_row_gets_one_sentence(wrong: dict, sentence: str) -> None:
    read(FAMILY, GOOD, FACTS)
    with pytest.raises(BadRowError) as error:
        read(FAMILY, {**GOOD, **wrong}, FACTS)
    assert str(error.value) == sentence


def test_rows_that_teach_nothing_labels_and_ambiguous_names_are_refused() -> None:
    with pytest.raises(BadRowError, match="all training rows have the same one entity, nothing to learn"):
        learn(FAMILY, rows([("a", "is", "a")]))
    with pytest.raises(BadRowError, match="remove `labels`"):
        learn(FAMILY, rows(TRAIN), ["paris", "rome"])
    with pytest.raises(
        BadRowError, match="relation 'inverse of is' is called as the inverse of another; ren"
    ):
        learn(FAMILY, rows([("a", "is", "b"), ("a", "inverse of is", "b")]))


def test_names_are_not_words() -> None:
    """Punctuation and case tell entities apart, and so duplicates from triples of their own."""
    from components.families.shared.fingerprint import text_key

    keys = {
        text_key(FAMILY.text_of(row))
        for row in rows([("C", "is", "x"), ("C++", "is", "x"), ("c", "is", "x")])
    }
    assert len(keys) == 3


def test_what_all_splits_know() -> None:
    """Entities of the test are candidates; what only the test knows is known, but never taught."""
    assert FACTS["entities"] == sorted(
        ["alice", "bob", "carol", "dave", "erin", "paris", "rome", "france", "italy"]
    )
    assert [row["head"] for row in FAMILY.candidates(FACTS)] == FACTS["entities"]
    relation = {"is in": "0", "lives in": "1", "inverse of is in": "2", "inverse of lives in": "3"}
    n = NUMBER
    assert FACTS["taught"][relation["lives in"]][str(n["alice"])] == [n["paris"]]
    assert FACTS["held_out"][relation["lives in"]] == {
        str(n["alice"]): [n["rome"]],
        str(n["erin"]): [n["paris"]],
    }
    assert FACTS["taught"][relation["inverse of lives in"]][str(n["paris"])] == [
        n["alice"],
        n["bob"],
        n["dave"],
    ]
    assert FACTS["taught"][relation["inverse of is in"]] == {
        str(n["france"]): [n["paris"]],
        str(n["italy"]): [n["rome"]],
    }


def test_a_relation_of_the_test_alone_waits_for_its_complaint() -> None:
    """The survey passes over the row; `check_row` refuses it."""
    odd = rows([("alice", "knows", "bob")])
    assert facts_of(rows(TRAIN), odd)["held_out"] == {}
    with pytest.raises(BadRowError, match="'relation' is 'knows', which no training row has"):
        FAMILY.check_row(odd[0], FACTS)


def test_what_is_known_is_left_out_of_the_ranks() -> None:
    """Of (alice, lives in, ?) rome is asked for and paris is known; of (?, lives in, rome) carol is known."""
    layout = FAMILY.layout(rows(TEST)[0], [], FACTS)
    assert layout == {"answers": ["rome", "alice"], "others": [["paris"], ["carol"]]}
    of_training = FAMILY.layout(rows(TRAIN)[0], [], FACTS)
    assert of_training["others"] == [["rome"], ["bob", "dave", "erin"]]  # rome, erin: the test alone knows
    scores_QN = np.zeros((2, len(NUMBER)))
    scores_QN[0, [NUMBER[name] for name in ("paris", "italy", "rome")]] = 3, 2, 1
    scores_QN[1, [NUMBER[name] for name in ("carol", "alice")]] = 2, 1
    prediction = FAMILY.decode(scores_QN, layout, FACTS)
    assert prediction["ranks"] == [2, 1]
    assert [tail["entity"] for tail in prediction["tails"][:3]] == ["paris", "italy", "rome"]


def test_a_champion_ranks_by_its_own_numbers_and_does_not_find_whom_it_does_not_know() -> None:
    """Newer rows know more entities: their layout names them."""
    older = facts_of(rows(TRAIN), [])
    assert "erin" not in older["entities"]
    assert FAMILY.changed(older, FACTS) is None
    assert "its relations changed" in (FAMILY.changed({**older, "relations": ["is in"]}, FACTS) or "")
    scores_QN = np.zeros((2, len(older["entities"])))
    scores_QN[0, older["entities"].index("paris")] = 1
    prediction = FAMILY.decode(scores_QN, FAMILY.layout(rows(TEST)[1], [], FACTS), older)
    assert prediction["ranks"] == [1, np.inf]
    assert metric(FAMILY, "mrr", rows(TEST[1:]), [prediction], FACTS) == 0.5


def test_an_answer_says_what_is_known() -> None:
    scores_1N = np.arange(len(NUMBER), dtype=float)[None]
    facts = {**FACTS, "options": {**FACTS["options"], "top": 2}}
    for relation, head, right in (("lives in", "carol", {"rome"}), ("inverse of is in", "france", {"paris"})):
        row = {"head": head, "relation": relation}
        FAMILY.check_question(row, facts)
        answer = FAMILY.respond(FAMILY.decode(scores_1N, {}, facts), row, {}, facts)
        assert [(tail["entity"], tail["known"]) for tail in answer["tails"]] == [
            (name, name in right) for name in ("rome", "paris")
        ]
        FAMILY.response.model_validate(answer)


def test_what_is_drawn_is_a_function_of_the_row() -> None:
    facts = {**FACTS, "options": {**FACTS["options"], "negatives": 3}}
    one, other = (FAMILY.with_candidates(rows(TRAIN), facts) for _ in range(2))
    assert one == other
    assert {len(set(row["drawn"])) for row in one} == {3}
    assert len({tuple(row["drawn"]) for row in one}) > 1
    (backwards, *_) = FAMILY.with_candidates(rows(TRAIN)[::-1], facts)
    assert backwards == one[-1]
    assert FAMILY.sequences(one[0]) == ["alice", "paris", *one[0]["drawn"]]
    numbers = [NUMBER[name] for name in FAMILY.sequences(one[0])]
    assert FAMILY.extra_inputs(one[0], [], facts) == [1, *numbers]  # "lives in" is relation 1
    assert FAMILY.extra_inputs(rows(TEST)[0], [], facts) == [1]


def test_the_loss_is_the_mean_of_both_questions() -> None:
    logits = torch.log(torch.tensor([[[0.5, 0.25, 0.25], [0.8, 0.2, 0.0]]]))
    target = FAMILY.collate([FAMILY.target({}, [], FACTS)], 0)
    assert FAMILY.loss(logits, target, FACTS).item() == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)
    assert losses_add_up(FAMILY, np.random.default_rng(0).normal(size=(4, 2, 6)), [0, 0, 0, 0], FACTS)


def test_metrics_can_be_resampled() -> None:
    predictions = [{"ranks": [rank, 2 * rank]} for rank in (1, 2, 5, 9)]
    assert resampled_equals_repeated(FAMILY, rows([TRAIN[0]] * 4), predictions, FACTS)


def test_the_baselines() -> None:
    """Frequency says paris, in which three live; and the like of alice, who lives in paris too, is bob."""
    facts = facts_of(rows(TRAIN), rows(TEST))
    test = rows([("erin", "lives in", "paris")])
    assert FAMILY.majority_baseline([], test, facts)[0]["ranks"][0] == 1
    assert (
        FAMILY.majority_baseline([], rows(TEST[:1]), facts)[0]["ranks"][0] == 1
    )  # rome, now that paris is known
    graph = [
        (f"{kind} {n}", "eats", food) for kind, food in (("cat", "fish"), ("cow", "hay")) for n in range(9)
    ]
    held_out = rows([("cow 10", "eats", "hay"), ("cat 11", "eats", "fish")])
    facts = facts_of(rows(graph), held_out)
    assert [each["ranks"][0] for each in FAMILY.tfidf_baseline([], held_out, facts)] == [1, 1]
    assert sorted(each["ranks"][0] for each in FAMILY.majority_baseline([], held_out, facts)) == [1.5, 1.5]


@given(text=UNICODE)
def test_an_entity_may_be_any_text(text: str) -> None:
    row = FAMILY.read_input({"head": text, "relation": "is in"}, FACTS["options"])
    FAMILY.check_question(row, FACTS)
    assert FAMILY.sequences(row) == [text.strip()]
    assert FAMILY.layout(row, [], FACTS) == {}
