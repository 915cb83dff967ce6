"""Classification: rows read or refused in one sentence, losses by hand, metrics as scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

from components.errors import BadRowError
from components.families.classification.family import FAMILY
from tests.families.families import (
    UNICODE,
    ask,
    gradient_reaches_the_head,
    learn,
    losses_add_up,
    metric,
    padding_changes_nothing,
    read,
    resampled_equals_repeated,
)

ROWS = [{"label": "up"}] * 3 + [{"label": "down"}]
FACTS = learn(FAMILY, ROWS)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"label": "up"}, "'text' is missing, expected a text"),
        ({"text": "", "label": "up"}, "'text' is empty, expected a text"),
        ({"text": " \t\n", "label": "up"}, "'text' is empty, expected a text"),
        ({"text": 5, "label": "up"}, "'text' is 5, expected a text"),
        ({"text": "a", "text_pair": " ", "label": "up"}, "'text_pair' is empty, expected a text"),
        ({"text": "a", "label": None}, "'label' is missing, expected a text"),
        ({"text": "a", "label": "  "}, "'label' is empty, expected a text"),
        ({"text": "a", "label": ["up", "down"]}, "'label' is ['up', 'down'], expected a text"),
        ({"text": "a", "label": 0.5}, "'label' is 0.5, expected a text"),
        (
            {"text": "a", "label": "Down"},
            "label 'Down' is not in the label set (did you mean 'down'?); expected one of down, up",
        ),
        ({"text": "a", "label": 7}, "label '7' is not in the label set; expected one of down, up"),
    ],
)
def test_a_malformed_row_gets_one_sentence(record: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, record, FACTS)
    assert str(error.value) == sentence


def test_a_single_class_is_refused() -> None:
    with pytest.raises(BadRowError, match="the only label is 'up', expected two labels or more"):
        learn(FAMILY, ROWS[:3])


def test_labels_are_stripped_and_whole_numbers_are_labels() -> None:
    facts = learn(FAMILY, [{"label": "0"}, {"label": "1"}])
    assert [read(FAMILY, {"text": "a", "label": label}, facts)["label"] for label in (1, " 0 ")] == ["1", "0"]


@given(text=UNICODE, text_pair=UNICODE)
def test_any_unicode_is_answered(tokenizer: Any, text: str, text_pair: str) -> None:
    for question in ({"text": text}, {"text": text, "text_pair": text_pair}):
        answer = ask(FAMILY, tokenizer, question, FACTS)
        assert answer.label == max(answer.probabilities, key=lambda label: answer.probabilities[label])
        assert sum(answer.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("given_options", "expected"),
    [
        ({}, -np.log(0.75) - np.log(0.5)),
        # up: 4 rows / (2 classes x 3 of it); down: 4 / (2 x 1)
        ({"class_weights": "balanced"}, -np.log(0.75) * 4 / 6 - np.log(0.5) * 2),
        # half of the one-hot target, half of the uniform one
        (
            {"label_smoothing": 0.5},
            -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) - (0.75 * np.log(0.5) + 0.25 * np.log(0.5)),
        ),
    ],
)
def test_the_loss_is_the_one_by_hand(given_options: dict, expected: float) -> None:
    """Two rows: up with probability 3/4, down with 1/2."""
    facts = learn(FAMILY, ROWS, **given_options)  # labels: down, up
    logits = torch.log(torch.tensor([[0.25, 0.75], [0.5, 0.5]]))
    targets = [FAMILY.target(row, [], facts) for row in (ROWS[0], ROWS[3])]
    assert FAMILY.loss(logits, FAMILY.collate(targets, 0), facts).item() == pytest.approx(expected)


def test_units_are_the_weights_of_the_loss() -> None:
    """With equal losses, the loss over its units is the loss of one example."""
    facts = learn(FAMILY, ROWS, class_weights="balanced")
    targets = [0, 1, 1]
    loss = FAMILY.loss(torch.zeros(3, 2), FAMILY.collate(targets, 0), facts).item()
    assert loss / sum(FAMILY.units(target, facts) for target in targets) == pytest.approx(np.log(2))


def test_losses_add_up_and_reach_the_head() -> None:
    facts = learn(FAMILY, ROWS, class_weights="balanced", label_smoothing=0.1)
    generator = np.random.default_rng(0)
    assert losses_add_up(FAMILY, generator.normal(size=(5, 2)), [0, 1, 1, 0, 1], facts)
    hidden, mask = torch.randn(2, 5, 8), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert gradient_reaches_the_head(FAMILY, hidden, mask, [0, 1], facts)


def test_padding_changes_no_answer(tokenizer: Any) -> None:
    assert padding_changes_nothing(FAMILY, tokenizer, FACTS)


def test_accuracy_and_macro_f1_are_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score, f1_score

    generator = np.random.default_rng(0)
    gold, predicted = generator.choice(["a", "b"], 200), generator.choice(["a", "b", "c"], 200)
    rows, predictions = [{"label": g} for g in gold], [{"label": p} for p in predicted]
    facts = {"labels": ["a", "b", "c", "never"]}
    accuracy, macro_f1 = (metric(FAMILY, name, rows, predictions, facts) for name in ("accuracy", "macro_f1"))
    assert accuracy == pytest.approx(accuracy_score(gold, predicted))
    assert macro_f1 == pytest.approx(f1_score(gold, predicted, average="macro"))
    assert resampled_equals_repeated(FAMILY, rows, predictions, facts)


def test_the_trivial_baseline_is_the_majority_and_the_linear_one_learns() -> None:
    rows = [{"text": text, "text_pair": None, "label": label}
            for text, label in [("a good day", "up"), ("a bad day", "down")] * 5 + [("good", "up")] * 3]  # fmt: skip
    shares = {"up": pytest.approx(8 / 13), "down": pytest.approx(5 / 13)}
    assert FAMILY.majority_baseline(rows, rows[:2], FACTS) == [{"label": "up", "probabilities": shares}] * 2
    found = FAMILY.tfidf_baseline(rows, rows[:2], FACTS)
    assert [one["label"] for one in found] == ["up", "down"]
    assert found[0]["probabilities"]["up"] > 0.5 > found[1]["probabilities"]["up"]


def test_the_linear_baseline_ranks_as_its_margins_do() -> None:
    texts = {"calm sea": "calm", "red fire": "fire", "cold ice": "ice"}
    rows = [{"text": text, "text_pair": None, "label": label} for text, label in texts.items()] * 6
    facts = learn(FAMILY, rows)
    assert metric(FAMILY, "auc", rows, FAMILY.tfidf_baseline(rows, rows, facts), facts) == 1
    assert metric(FAMILY, "auc", rows, FAMILY.majority_baseline(rows, rows, facts), facts) == 0.5
