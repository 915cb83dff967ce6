"""Retrieval: rows read or refused in one sentence, answers ranked, the metrics of the whole ranking."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from components.errors import BadRowError
from components.evaluation.common import ground
from components.families.retrieval.family import FAMILY
from tests.families.families import UNICODE, learn, metric, options, pieces, read, resampled_equals_repeated
from tests.families.retrieval.answers import ANSWERS, FACTS, ROWS, answer

GOOD = {"text": "plane", "answer": "good plane"}


def facts_of(templates: str, **given: Any) -> dict[str, Any]:
    rows = [{"text": "a", "answer": "fly"}, {"text": "b", "answer": "ride"}]
    return learn(FAMILY, rows, templates=templates, **given)


# --- rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": None}, "'text' is missing, expected a text"),
        ({"text": " "}, "'text' is empty, expected a text"),
        ({"text": 5}, "'text' is 5, expected a text"),
        ({"answer": None}, "'answer' is missing, expected a text"),
        ({"answer": " "}, "'answer' is empty, expected a text"),
        ({"answer": 1.5}, "'answer' is 1.5, expected a text"),
        ({"answer": True}, "'answer' is True, expected a text"),
        ({"answer": ["good plane"]}, "'answer' is ['good plane'], expected a text"),
        (
            {"answer": "\ud800"},
            "'answer' has half a surrogate pair at character 0, expected Unicode text",
        ),
        (
            {"answer": "good plan"},
            "'answer' is 'good plan' (did you mean 'good plane'?); "
            "expected the id or the text of one of 2 templates",
        ),
    ],
)
def test_a_malformed_row_gets_one_sentence(wrong: dict, sentence: str) -> None:
    read(FAMILY, GOOD, FACTS)
    with pytest.raises(BadRowError) as error:
        read(FAMILY, {**GOOD, **wrong}, FACTS)
    assert str(error.value) == sentence


@pytest.mark.parametrize("answer", ["fly", " fly ", "good plane"])
def test_an_answer_is_an_id_or_the_exact_text(templates: str, answer: str) -> None:
    assert read(FAMILY, {"text": "a", "answer": answer}, facts_of(templates))["answer"] == "fly"


def test_an_answer_that_no_template_has_is_refused_where_it_stands(templates: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, {"text": "a", "answer": "flyy"}, facts_of(templates))
    assert str(error.value) == (
        "'answer' is 'flyy' (did you mean 'fly'?); expected the id or the text of one of 3 templates"
    )


def test_rows_that_teach_nothing_and_labels_are_refused(templates: str) -> None:
    with pytest.raises(BadRowError, match="all 2 training rows have the same answer, nothing to learn"):
        learn(FAMILY, [GOOD, GOOD])
    with pytest.raises(BadRowError, match="remove `labels`"):
        learn(FAMILY, ROWS, ["a", "b"])


@pytest.mark.parametrize("given", [{"negatives": -1}, {"negatives": 21}, {"top": 0}, {"temlates": "x"}])
def test_options_are_bounded(given: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        options(FAMILY, **given)


# --- what is read while learning -----------------------------------------------------------------


def test_without_a_file_the_distinct_answers_are_the_templates() -> None:
    assert FACTS["templates"] == {"bad train": "bad train", "good plane": "good plane"}


def test_hard_negatives_are_the_templates_most_like_the_question_but_its_answer(templates: str) -> None:
    rows = [{"text": "train to london", "answer": "ride"}, {"text": "train to london", "answer": "fly"}]
    learning = FAMILY.with_candidates(rows, facts_of(templates, negatives=1))
    assert [row["ids"] for row in learning] == [["ride", "stay"], ["fly", "ride"]]
    assert learning[1]["beside"] == ["good plane", "bad train"]
    assert FAMILY.with_candidates(rows, facts_of(templates, negatives=0))[0]["ids"] == ["ride"]
    every = FAMILY.with_candidates(rows, facts_of(templates, negatives=20))  # there are no more than two
    assert [sorted(row["ids"]) for row in every] == [sorted(ANSWERS)] * 2


def test_a_target_names_what_stands_beside_the_question_its_answer_first(templates: str) -> None:
    facts = facts_of(templates, negatives=2)
    rows = [{"text": "train", "answer": "ride"}, {"text": "plane", "answer": "fly"}]
    one, other = (FAMILY.target(row, [], facts) for row in FAMILY.with_candidates(rows, facts))
    assert len(set(one)) == 3
    assert set(one) == set(other)
    assert FAMILY.target(rows[0], [], facts) == one[:1]  # of a held-out row
    assert FAMILY.target({"answer": "Ride"}, [], facts) != one[:1]


def test_a_dialogue_loses_its_oldest_turns_and_a_template_its_end(tokenizer: Any) -> None:
    cut = FAMILY.truncation(("turns",), 4, {})
    tokenizer.enable_truncation(**cut)
    row = {"text": "good plane bad train", "text_pair": None, "beside": ["late early great poor", "a"]}
    (encodings,) = FAMILY.tokenise(tokenizer, [row], {})
    assert [pieces(tokenizer, one)[1:-1] for one in encodings] == [["bad", "train"], ["late", "early"], ["a"]]
    assert tokenizer.truncation["direction"] == "left"  # as it was
    (candidate, *_), (question,) = FAMILY.tokenise(tokenizer, [{"text": None, "beside": ["a"]}, GOOD], {})
    assert pieces(tokenizer, candidate)[1:-1] == ["a"]
    assert pieces(tokenizer, question)[1:-1] == ["plane"]


@given(text=UNICODE)
def test_any_unicode_is_answered_and_best_first(tokenizer: Any, text: str) -> None:
    for question in ({"text": text}, {"turns": [text, text[::-1]]}):
        found = answer(tokenizer, question, FACTS).answers
        assert {one.id for one in found} == set(FACTS["templates"])
        assert 1.0001 > found[0].score >= found[1].score > -1.0001


def test_a_templates_own_text_finds_it_and_only_the_top_are_given(tokenizer: Any, templates: str) -> None:
    facts = facts_of(templates, top=2)
    for identity, text in ANSWERS.items():
        found = answer(tokenizer, {"text": text}, facts).answers
        assert len(found) == 2
        assert (found[0].id, found[0].text) == (identity, text)
        assert found[0].score == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("top", [1, 12])
def test_metrics_are_those_of_the_whole_ranking_and_can_be_resampled(top: int) -> None:
    """However few answers the service gives."""
    from sklearn.metrics import ndcg_score, top_k_accuracy_score

    draw = np.random.default_rng(0)
    ids = [f"{n:02}" for n in range(20)]
    facts = {"templates": {one: one for one in ids}, "options": options(FAMILY, top=top)}
    scores_NC, right_N = draw.normal(size=(30, 20)), draw.integers(0, 20, 30)
    found = [FAMILY.decode(row, {}, facts) for row in scores_NC]
    rows = [{"answer": ids[n]} for n in right_N]
    for k in (1, 5):
        expected = top_k_accuracy_score(right_N, scores_NC, k=k, labels=range(20))
        assert metric(FAMILY, f"recall_at_{k}", rows, found, facts) == pytest.approx(expected)
    cut = [{"ranking": one["ranking"][:10]} for one in found]
    expected = ndcg_score(np.eye(20)[right_N], scores_NC, k=10)
    assert metric(FAMILY, "ndcg_at_10", rows, cut, facts) == pytest.approx(expected)
    assert resampled_equals_repeated(FAMILY, rows, found, facts)


def test_the_baselines() -> None:
    """The most popular are ranked alike for all. A template is as near as its nearest text: its own, or one
    training question, not all of them together."""
    trivial = FAMILY.majority_baseline(ROWS, ROWS[:2], FACTS)
    assert [[one["id"] for one in found["ranking"]] for found in trivial] == [["bad train", "good plane"]] * 2
    facts = {"templates": {"a": "x y", "b": "late"}, "options": options(FAMILY)}
    train = [{"text": f"paris alice {n}", "answer": "a"} for n in range(9)]
    train += [{"text": "paris", "answer": "b"}]
    asked = [{"text": "alice"}, {"text": "late late"}, {"text": "paris"}]
    found = FAMILY.tfidf_baseline(train, asked, facts)
    assert [one["ranking"][0]["id"] for one in found] == ["a", "b", "b"]


def test_an_id_with_another_text_is_another_answer() -> None:
    known, facts = {"templates": {"a": "x", "b": "y"}}, {"templates": {"b": "other", "a": "x"}}
    rows = [{"answer": "a"}, {"answer": "b"}, {"answer": "a"}]
    said = [{"ranking": [{"id": one, "score": 1.0}]} for one in "aab"]
    common = ground(FAMILY, known, facts, rows, said)
    assert common.rows_N.tolist() == [True, False, False]
    assert common.changed == "the label set changed: +b \u2212b"


@pytest.mark.parametrize("asked", [{"text": "good plane"}, {"turns": ["good plane", "bad train"]}])
def test_a_row_has_a_value_in_every_input_column_of_its_files(asked: dict[str, Any]) -> None:
    """Validation refuses a column that has none."""
    row = FAMILY.read_input(asked, FACTS["options"])
    assert list(row) == FAMILY.input_schema().names
    assert None not in row.values()
