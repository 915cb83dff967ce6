"""Clicks: rows read or refused in one sentence, losses by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.click.family import FAMILY
from tests.families.families import (
    UNICODE,
    ask,
    gradient_reaches_the_head,
    learn,
    losses_add_up,
    metric,
    padding_changes_nothing,
    read,
)

GOOD = {"text": "a", "categorical": {"brand": "acme"}, "numeric": {"price": 2}, "outcome": 1}
ROWS = [
    {
        "text": f"item {n}",
        "text_pair": None,
        "categorical": [{"name": "brand", "value": ["acme", "bolt"][n % 2]}],
        "numeric": [{"name": "price", "value": float(n)}],
        "outcome": n % 4 == 0,
    }
    for n in range(40)
]
FACTS = learn(FAMILY, ROWS)
OF_TEXT = learn(FAMILY, [{**row, "categorical": None, "numeric": None} for row in ROWS])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"text": None}, "'text' is missing, expected a text"),
        ({"text": " "}, "'text' is empty, expected a text"),
        ({"outcome": None}, "'outcome' is None, expected true or false, yes or no, 1 or 0"),
        ({"outcome": 2}, "'outcome' is 2, expected true or false, yes or no, 1 or 0"),
        ({"outcome": 0.5}, "'outcome' is 0.5, expected true or false, yes or no, 1 or 0"),
        ({"outcome": "maybe"}, "'outcome' is 'maybe', expected true or false, yes or no, 1 or 0"),
        ({"outcome": [1]}, "'outcome' is [1], expected true or false, yes or no, 1 or 0"),
        ({"categorical": "acme"}, "'categorical' is 'acme', expected an object of features"),
        ({"numeric": [2.5]}, "'numeric' is [2.5], expected an object of features"),
        (
            {"categorical": {"brand": ["acme"]}},
            "'categorical.brand' is ['acme'], expected a category: a text or a whole number",
        ),
        (
            {"categorical": {"brand": 1.5}},
            "'categorical.brand' is 1.5, expected a category: a text or a whole number",
        ),
        (
            {"categorical": {"brand": "\ud800"}},
            "'categorical.brand' has half a surrogate pair at character 0, expected Unicode text",
        ),
        ({"numeric": {"price": 10**400}}, f"'numeric.price' is 1{'0' * 59}, expected a number"),
        ({"numeric": {"price": "2,50"}}, "'numeric.price' is '2,50', expected a number"),
        ({"numeric": {"price": {"eur": 2}}}, "'numeric.price' is {'eur': 2}, expected a number"),
        ({"numeric": {"price": float("inf")}}, "'numeric.price' is inf, expected a finite number"),
    ],
)
def test_a_malformed_row_gets_one_sentence(wrong: dict, sentence: str) -> None:
    read(FAMILY, GOOD, FACTS)
    with pytest.raises(BadRowError) as error:
        read(FAMILY, {**GOOD, **wrong}, FACTS)
    assert str(error.value) == sentence


@pytest.mark.parametrize(("value", "expected"), [(True, True), (1, True), ("Yes", True), (1.0, True), (" 0", False), ("FALSE", False), (0.0, False)])  # fmt: skip
def test_an_outcome_is_read_however_it_is_written(value: Any, expected: bool) -> None:
    assert read(FAMILY, {**GOOD, "outcome": value}, FACTS)["outcome"] is expected


def test_rows_that_teach_nothing_and_labels_are_refused() -> None:
    with pytest.raises(BadRowError, match="all 10 training outcomes are the same, nothing to learn"):
        learn(FAMILY, [row for row in ROWS if row["outcome"]])
    with pytest.raises(BadRowError, match="remove `labels`"):
        learn(FAMILY, ROWS, ["no", "yes"])


@pytest.mark.slow
@given(
    text=UNICODE, brand=st.none() | st.integers() | UNICODE, price=st.none() | st.floats(allow_infinity=False)
)
def test_any_unicode_and_any_number_is_answered(tokenizer: Any, text: str, brand: Any, price: Any) -> None:
    question = {"text": text, "categorical": {"brand": brand}, "numeric": {"price": price}}
    assert 0 < ask(FAMILY, tokenizer, question, FACTS).probability < 1
    assert 0 < ask(FAMILY, tokenizer, {"text": text, "text_pair": text[::-1]}, OF_TEXT).probability < 1


def test_a_feature_that_training_does_not_know_is_refused_in_a_question(tokenizer: Any) -> None:
    assert ask(FAMILY, tokenizer, {**GOOD, "categorical": {}, "numeric": {}}, FACTS)
    with pytest.raises(BadRowError) as error:
        ask(FAMILY, tokenizer, {**GOOD, "numeric": {"prise": 2}}, FACTS)
    assert str(error.value) == (
        "'numeric' has no feature 'prise' (did you mean 'price'?); expected some of price"
    )


@pytest.mark.parametrize("facts", [FACTS, OF_TEXT])
def test_the_head_starts_at_the_share_of_clicks(facts: dict) -> None:
    head = FAMILY.head(8, facts)
    torch.nn.init.zeros_(head.output.weight)
    side = [] if facts is OF_TEXT else [torch.zeros(1, 2, dtype=torch.float64)]
    logits = head(torch.randn(1, 4, 8), torch.ones(1, 4), *side).detach()
    assert FAMILY.decode(logits[0].numpy(), {}, facts)["probability"] == pytest.approx(0.25)


def test_the_loss_is_the_one_by_hand() -> None:
    logits = torch.logit(torch.tensor([[0.75], [0.2]]))
    targets = [FAMILY.target({"outcome": outcome}, [], FACTS) for outcome in (True, False)]
    loss = FAMILY.loss(logits, FAMILY.collate(targets, 0), FACTS).item()
    assert loss == pytest.approx(-np.log(0.75) - np.log(0.8))


def test_losses_add_up_and_reach_the_head() -> None:
    assert losses_add_up(FAMILY, np.random.default_rng(0).normal(size=(4, 1)), [0.0, 1.0, 1.0, 0.0], FACTS)
    hidden, mask = torch.randn(2, 5, 8), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert gradient_reaches_the_head(FAMILY, hidden, mask, [0.0, 1.0], OF_TEXT)


def test_padding_changes_no_answer(tokenizer: Any) -> None:
    side = torch.tensor([FAMILY.extra_inputs(ROWS[0], [], FACTS)], dtype=torch.float64)
    assert padding_changes_nothing(FAMILY, tokenizer, FACTS, side)


def test_the_baselines() -> None:
    rows = [{**row, "text": f"{'red' if row['outcome'] else 'blue'} {row['text']}"} for row in ROWS]
    trivial = FAMILY.majority_baseline(rows, rows, FACTS)
    assert {prediction["probability"] for prediction in trivial} == {0.25}
    assert metric(FAMILY, "auc", rows, trivial, FACTS) == 0.5
    assert metric(FAMILY, "entropy_gain", rows, trivial, FACTS) == pytest.approx(0)
    assert metric(FAMILY, "auc", rows, FAMILY.tfidf_baseline(rows, rows, FACTS), FACTS) > 0.9  # by the word
    of_brand = [{**row, "text": "the same word", "outcome": n % 2 == 0} for n, row in enumerate(ROWS)]
    found = FAMILY.tfidf_baseline(of_brand, of_brand, learn(FAMILY, of_brand))
    assert metric(FAMILY, "auc", of_brand, found, FACTS) == 1  # by the brand alone
    plain = [{**row, "categorical": None, "numeric": None} for row in rows]
    assert len(FAMILY.tfidf_baseline(plain, plain, OF_TEXT)) == len(plain)
