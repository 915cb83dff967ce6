"""Multiple choice: rows read or refused in one sentence, as many choices as a row has, losses by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.multiple_choice.family import FAMILY
from components.settings.project import Checks
from components.spelling import trimmed
from tests.families.families import (
    UNICODE,
    ask,
    gradient_reaches_the_head,
    learn,
    losses_add_up,
    metric,
    pieces,
    read,
    resampled_equals_repeated,
    states,
)

FACTS = learn(FAMILY, [])
ROWS = [
    {"text": "good plane", "choices": ["late", "early", "great"], "answer": 2},
    {"text": "bad train", "choices": ["poor", "fine"], "answer": 0},
]
CHOICES = st.lists(UNICODE.map(trimmed), min_size=2, max_size=5, unique=True)


def given_row(**fields: Any) -> dict[str, Any]:
    return {"text": "a", "choices": ["x", "yes"], "answer": 0, **fields}


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (given_row(text=" "), "'text' is empty, expected a text"),
        (given_row(choices=None), "'choices' is None, expected a list that is not empty"),
        (given_row(choices="x, yes"), "'choices' is 'x, yes', expected a JSON list"),
        (given_row(choices={"A": "x"}), "'choices' is {'A': 'x'}, expected a list that is not empty"),
        (given_row(choices=["x"]), "'choices' has 1, expected 2 to 20"),
        (given_row(choices=list("abcdefghijklmnopqrstu")), "'choices' has 21, expected 2 to 20"),
        (given_row(choices=["x", ""]), "'choice 1' is empty, expected a text"),
        (given_row(choices=["x", 2]), "'choice 1' is 2, expected a text"),
        (given_row(choices=["x", "yes", " x "]), "'choices' has 'x' twice, expected distinct choices"),
        (
            given_row(answer=2),
            "'answer' is 2; expected the text of a choice, or its number from 0 to 1",
        ),
        (given_row(answer=-1), "'answer' is -1; expected the text of a choice, or its number from 0 to 1"),
        (
            given_row(answer=True),
            "'answer' is True; expected the text of a choice, or its number from 0 to 1",
        ),
        (
            given_row(answer=None),
            "'answer' is None; expected the text of a choice, or its number from 0 to 1",
        ),
        (
            given_row(answer="yess"),
            "'answer' is 'yess' (did you mean 'yes'?); expected the text of a choice, "
            "or its number from 0 to 1",
        ),
    ],
)
def test_a_malformed_row_gets_one_sentence(record: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, record, FACTS)
    assert str(error.value) == sentence


def test_a_label_set_does_not_belong_here() -> None:
    with pytest.raises(BadRowError, match="remove `labels`"):
        learn(FAMILY, ROWS, ["A", "B"])


@pytest.mark.parametrize(
    ("choices", "answer", "expected"),
    [
        (["x", "y"], 1, 1),
        (["x", "y"], "1", 1),
        (["x", " y "], "y", 1),
        (["1", "0"], "1", 0),
        ('["x", "y"]', 0, 0),
    ],
)
def test_an_answer_is_a_number_or_a_text(choices: Any, answer: Any, expected: int) -> None:
    """A choice's own text comes first, where it looks like a number."""
    assert read(FAMILY, {"text": "a", "choices": choices, "answer": answer}, FACTS)["answer"] == expected


def test_the_same_question_with_shuffled_choices_is_a_duplicate_that_agrees() -> None:
    row = read(FAMILY, {"text": "a", "choices": ["x", "y"], "answer": 0}, FACTS)
    shuffled = read(FAMILY, {"text": "a", "choices": ["y", "x"], "answer": 1}, FACTS)
    assert FAMILY.text_of(row) == FAMILY.text_of(shuffled)
    assert FAMILY.target_of(row) == FAMILY.target_of(shuffled) == "x"


@pytest.mark.slow
@given(text=UNICODE, choices=CHOICES)
def test_any_unicode_is_answered(tokenizer: Any, text: str, choices: list[str]) -> None:
    answer = ask(FAMILY, tokenizer, {"text": text, "choices": choices}, FACTS)
    assert answer.choice == choices[answer.answer]
    assert len(answer.probabilities) == len(choices)
    assert sum(answer.probabilities) == pytest.approx(1)
    of_dialogue = ask(FAMILY, tokenizer, {"turns": [text], "choices": json.dumps(choices)}, FACTS)
    assert of_dialogue.choice in choices


@given(text=UNICODE, choices=CHOICES, length=st.integers(6, 24))
def test_truncation_keeps_every_choice_and_its_number(
    tokenizer: Any, text: str, choices: list[str], length: int
) -> None:
    row = read(FAMILY, {"text": text * 9, "choices": choices, "answer": choices[-1]}, FACTS)
    tokenizer.enable_truncation(**FAMILY.truncation(("text", "choices"), length, {}))
    (encodings,) = FAMILY.tokenise(tokenizer, [row], {})
    assert len(encodings) == len(choices)
    assert all(len(encoding) <= length for encoding in encodings)
    assert FAMILY.target(row, encodings, FACTS) == len(choices) - 1


def test_a_long_text_is_cut_before_its_choices(tokenizer: Any) -> None:
    tokenizer.enable_truncation(**FAMILY.truncation(("text", "choices"), 10, {}))
    row = {"text": "good " * 50, "choices": ["late train", "early"]}
    ((first, second),) = FAMILY.tokenise(tokenizer, [row], {})
    assert pieces(tokenizer, first) == ["[CLS]", *["good"] * 5, "[SEP]", "late", "train", "[SEP]"]
    assert pieces(tokenizer, second) == ["[CLS]", *["good"] * 6, "[SEP]", "early", "[SEP]"]


def test_the_loss_is_the_one_by_hand() -> None:
    """Right with probability 1/2 among three choices, and 1/4 among two."""
    logits = torch.log(torch.tensor([[0.25, 0.25, 0.5], [0.25, 0.75, 0.0]]))
    loss = FAMILY.loss(logits, FAMILY.collate([2, 0], 0), FACTS)
    assert loss.item() == pytest.approx(-np.log(0.5) - np.log(0.25))


def test_rows_of_other_sizes_change_no_answer(tokenizer: Any) -> None:
    """The logits of a row are the same alone and beside a row with more choices and longer texts."""
    tokenizer.no_truncation()
    three, two = FAMILY.tokenise(tokenizer, ROWS, {})
    hidden, mask = zip(states(three, padding=4), states(two, padding=4), strict=True)
    padded = [torch.nn.utils.rnn.pad_sequence(side, batch_first=True) for side in (hidden, mask)]
    head = FAMILY.head(8, FACTS)
    together = head(*padded)
    torch.testing.assert_close(together[0], head(*(t.unsqueeze(0) for t in states(three)))[0])
    torch.testing.assert_close(together[1, :2], head(*(t.unsqueeze(0) for t in states(two)))[0])
    assert together[1, 2] == -torch.inf
    assert len(FAMILY.decode(together[1].detach().numpy(), {}, FACTS)["probabilities"]) == 2


def test_losses_add_up_and_reach_the_head() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 4))
    logits[1, 2:] = -np.inf
    assert losses_add_up(FAMILY, logits, [3, 1, 0], FACTS)
    hidden, mask = torch.randn(2, 3, 5, 8), torch.ones(2, 3, 5)
    mask[1, 2], mask[0, 0, 3:] = 0, 0
    assert gradient_reaches_the_head(FAMILY, hidden, mask, [2, 0], FACTS)


def test_accuracy_is_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score

    gold, predicted = np.random.default_rng(0).integers(0, 4, (2, 100))
    rows, predictions = ([{"answer": int(number)} for number in side] for side in (gold, predicted))
    assert metric(FAMILY, "accuracy", rows, predictions, FACTS) == accuracy_score(gold, predicted)
    assert resampled_equals_repeated(FAMILY, rows, predictions, FACTS)


def test_the_trivial_baseline_is_the_majority_position_among_rows_of_as_many_choices() -> None:
    train = [
        *[{"choices": ["x"] * 4, "answer": answer} for answer in (3, 3, 0, 1)],
        *[{"choices": ["x"] * 2, "answer": answer} for answer in (1, 1, 0)],
    ]
    test = [{"choices": ["x"] * count} for count in (4, 2, 3)]
    assert FAMILY.majority_baseline(train, test, FACTS) == [{"answer": 3}, {"answer": 1}, {"answer": 0}]


def test_the_linear_baseline_finds_the_choice_that_shares_words() -> None:
    words = ["plane", "train", "london", "paris", "market", "oil", "wheat", "gold"]
    rows = [
        {
            "text": f"the {word} story",
            "choices": [f"a {words[(n + 3) % 8]} tale", f"a {word} tale"],
            "answer": 1,
        }
        for n, word in enumerate(words)
    ]
    rows = [
        row if n % 2 else {**row, "choices": row["choices"][::-1], "answer": 0} for n, row in enumerate(rows)
    ]
    found = FAMILY.tfidf_baseline(rows[:6] * 3, rows[6:], FACTS)
    assert [prediction["answer"] for prediction in found] == [row["answer"] for row in rows[6:]]


def test_the_expectation_finds_an_answer_that_is_no_choice() -> None:
    from components.data.validation.suites import evaluate

    frame = (
        pd.DataFrame({"id": ["a", "b"], **{key: [row[key] for row in ROWS] for key in ROWS[0]}})
        .set_index("id")
        .rename_axis(None)
    )
    (result,) = evaluate([frame], FAMILY.expectations(FACTS, Checks()))
    assert result.status == "pass"
    (result,) = evaluate([frame.assign(answer=[2, 2])], FAMILY.expectations(FACTS, Checks()))
    assert (result.status, result.examples) == ("error", ["b"])


def test_the_report_shows_where_the_answers_stand() -> None:
    import pyarrow as pa

    schema = pa.schema([*FAMILY.input_schema(), *FAMILY.target_schema()])
    assert FAMILY.distribution(pa.Table.from_pylist(ROWS, schema), FACTS) == [
        ("choice 0", 1),
        ("choice 2", 1),
    ]
