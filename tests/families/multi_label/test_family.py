"""Multi-label: rows read or refused in one sentence, losses by hand, metrics as scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.multi_label.family import FAMILY
from components.settings.project import Checks
from components.spelling import trimmed
from tests.families.families import (
    UNICODE,
    ask,
    gradient_reaches_the_head,
    learn,
    losses_add_up,
    metric,
    metric_names,
    padding_changes_nothing,
    read,
    resampled_equals_repeated,
)

ROWS = [{"labels": ["late"]}, {"labels": ["late", "broken"]}, {"labels": []}, {"labels": ["late"]}]
FACTS = learn(FAMILY, ROWS)  # broken, late


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"text": "", "labels": []}, "'text' is empty, expected a text"),
        (
            {"text": "a", "labels": None},
            "'labels' is None, expected a list of labels, or a text with ',' between them",
        ),
        (
            {"text": "a", "labels": 3},
            "'labels' is 3, expected a list of labels, or a text with ',' between them",
        ),
        (
            {"text": "a", "labels": {"late": "much"}},
            "'late' is 'much', expected 1 or 0",
        ),
        ({"text": "a", "labels": "[" * 100_000}, f"'labels' is '{'[' * 59}, expected a JSON list"),
        ({"text": "a", "labels": "[late, broken"}, "'labels' is '[late, broken', expected a JSON list"),
        ({"text": "a", "labels": ["late", " "]}, "'label 2' is empty, expected a text"),
        ({"text": "a", "labels": ["late", None]}, "'label 2' is missing, expected a text"),
        (
            {"text": "a", "labels": '["late", {"colour": "broken"}]'},
            "'label 2' is {'colour': 'broken'}, expected a text",
        ),
        (
            {"text": "a", "labels": [1, 0, 0]},
            "'labels' is [1, 0, 0], '0' is there twice; expected distinct names",
        ),
        (
            {"text": "a", "labels": "late, brokn"},
            "label 'brokn' is not in the label set (did you mean 'broken'?); expected one of broken, late",
        ),
    ],
)
def test_a_malformed_row_gets_one_sentence(record: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, record, FACTS)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["late", "broken"], ["late", "broken"]),
        ('["late", "broken"]', ["late", "broken"]),
        (" late ,broken, ", ["late", "broken"]),
        ("", []),
        ("[]", []),
        ([], []),
    ],
)
def test_labels_are_read_as_a_list_as_json_and_as_a_text(value: Any, expected: list[str]) -> None:
    assert read(FAMILY, {"text": "a", "labels": value}, FACTS)["labels"] == expected


def test_the_separator_is_an_option() -> None:
    facts = learn(FAMILY, [{"labels": ["a,b", "c"]}], separator="|")
    assert read(FAMILY, {"text": "a", "labels": "a,b|c"}, facts)["labels"] == ["a,b", "c"]


def test_rows_without_any_label_teach_nothing() -> None:
    with pytest.raises(BadRowError, match="no training row has a label"):
        learn(FAMILY, [{"labels": []}])


@pytest.mark.slow
@given(text=UNICODE, labels=st.lists(UNICODE.map(trimmed), min_size=1, max_size=4, unique=True))
def test_any_unicode_is_read_and_answered(tokenizer: Any, text: str, labels: list[str]) -> None:
    facts = learn(FAMILY, [{"labels": labels}])
    row = read(FAMILY, {"text": text, "labels": labels}, facts)
    assert [facts["labels"][number] for number in FAMILY.target(row, [], facts)] == labels
    answer = ask(FAMILY, tokenizer, {"text": text}, facts)
    assert set(answer.labels) == {name for name, p in answer.probabilities.items() if p >= 0.5}


def test_the_threshold_decides_which_labels_hold() -> None:
    facts = learn(FAMILY, ROWS, threshold=0.8)
    prediction = FAMILY.decode(np.log([3.0, 9.0]), {}, facts)  # odds
    assert prediction["probabilities"] == pytest.approx({"broken": 0.75, "late": 0.9})
    assert prediction["labels"] == ["late"]


@pytest.mark.parametrize(("given_options", "of_broken"), [({}, 1), ({"positive_weights": "balanced"}, 3)])
def test_the_loss_is_the_one_by_hand(given_options: dict, of_broken: float) -> None:
    """broken with probability 3/4, late with 1/2: a row with both, and a row with neither.

    One row of four is broken, so a balanced positive of it counts 3; three are late: 1/3.
    """
    facts = learn(FAMILY, ROWS, **given_options)
    of_late = 1 / 3 if of_broken == 3 else 1
    logits = torch.logit(torch.tensor([[0.75, 0.5], [0.75, 0.5]]))
    targets = [FAMILY.target(ROWS[1], [], facts), FAMILY.target(ROWS[2], [], facts)]
    with_both = -of_broken * np.log(0.75) - of_late * np.log(0.5)
    with_neither = -np.log(0.25) - np.log(0.5)
    loss = FAMILY.loss(logits, FAMILY.collate(targets, 0), facts).item()
    assert loss == pytest.approx((with_both + with_neither) / 2)


def test_losses_add_up_and_reach_the_head() -> None:
    facts = learn(FAMILY, ROWS, positive_weights="balanced")
    generator = np.random.default_rng(0)
    assert losses_add_up(FAMILY, generator.normal(size=(4, 2)), [[], [0], [1, 0], []], facts)
    hidden, mask = torch.randn(2, 5, 8), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert gradient_reaches_the_head(FAMILY, hidden, mask, [[0], []], facts)
    assert gradient_reaches_the_head(FAMILY, hidden, mask, [[], []], facts)


def test_padding_changes_no_answer(tokenizer: Any) -> None:
    assert padding_changes_nothing(FAMILY, tokenizer, FACTS)


def test_the_metrics_are_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score, average_precision_score, f1_score, roc_auc_score

    labels = ["a", "b", "c", "never"]
    generator = np.random.default_rng(0)
    gold_NC, predicted_NC = (generator.random((2, 200, 4)) < [0.5, 0.3, 0.1, 0]).astype(int)
    rows, predictions = (
        [{"labels": [labels[i] for i in np.flatnonzero(row)]} for row in side]
        for side in (gold_NC, predicted_NC)
    )
    found = {
        name: metric(FAMILY, name, rows, predictions, {"labels": labels}) for name in metric_names(FAMILY)
    }
    assert found == pytest.approx(
        {
            "micro_f1": f1_score(gold_NC, predicted_NC, average="micro"),
            "macro_f1": f1_score(gold_NC, predicted_NC, average="macro", zero_division=np.nan),
            "subset_accuracy": accuracy_score(gold_NC, predicted_NC),
            "auc": roc_auc_score(gold_NC[:, :3], predicted_NC[:, :3]),
            "average_precision": average_precision_score(gold_NC[:, :3], predicted_NC[:, :3]),
        }
    )
    assert resampled_equals_repeated(FAMILY, rows, predictions, {"labels": labels})


def test_no_label_anywhere_is_no_division_by_zero() -> None:
    nothing = [{"labels": []}]
    assert metric(FAMILY, "micro_f1", nothing, nothing, FACTS) == 0
    assert metric(FAMILY, "subset_accuracy", nothing, nothing, FACTS) == 1


def test_the_trivial_baseline_is_the_best_constant_set() -> None:
    assert FAMILY.majority_baseline(ROWS, ROWS[:1], FACTS) == [{"labels": ["late"]}]
    rare = [{"labels": ["a"]}, {"labels": ["a", "b"]}, {"labels": []}, {"labels": []}, {"labels": []}]
    assert FAMILY.majority_baseline(rare, rare[:1], FACTS) == [{"labels": ["a"]}]


def test_the_linear_baseline_learns_every_label_by_itself() -> None:
    texts = {
        "late arrival": ["late"],
        "late and broken": ["broken", "late"],
        "broken box": ["broken"],
        "fine box": [],
    }
    rows = [{"text": text, "text_pair": None, "labels": labels} for text, labels in texts.items()] * 4
    assert [found["labels"] for found in FAMILY.tfidf_baseline(rows, rows[:4], FACTS)] == list(texts.values())


def test_a_label_that_is_alone_and_one_that_always_holds_have_linear_baselines() -> None:
    texts = {"insult": ["toxic"], "praise": []}
    rows = [{"text": text, "labels": labels} for text, labels in texts.items()] * 5
    assert [found["labels"] for found in FAMILY.tfidf_baseline(rows, rows[:2], FACTS)] == [["toxic"], []]
    rows = [{**row, "labels": [*row["labels"], "text"]} for row in rows]
    always = FAMILY.tfidf_baseline(rows, rows[:2], FACTS)
    assert [found["labels"] for found in always] == [["text", "toxic"], ["text"]]
    assert always[1]["probabilities"]["toxic"] < 0.5 < always[1]["probabilities"]["text"]


def test_the_expectations_find_what_is_wrong() -> None:
    from components.data.validation.suites import evaluate

    good = (
        pd.DataFrame({"id": list("abcd"), "labels": [row["labels"] for row in ROWS], "split": "train"})
        .set_index("id")
        .rename_axis(None)
    )
    checks = Checks(min_rows_per_class=2)
    results = evaluate([good], FAMILY.expectations(FACTS, checks))
    assert [(result.status, result.detail) for result in results] == [
        ("pass", None), ("pass", None), ("warning", "broken 1"),
    ]  # fmt: skip
    bad = good.assign(labels=[["late"], ["lost"], [], ["late"]])
    results = evaluate([bad], FAMILY.expectations(FACTS, checks))
    assert [result.status for result in results] == ["error", "error", "warning"]
    assert results[0].examples == ["b"]


def test_the_report_counts_labels_and_rows_without_any() -> None:
    import pyarrow as pa

    table = pa.Table.from_pylist(ROWS, FAMILY.target_schema())
    assert FAMILY.distribution(table, FACTS) == [("late", 3), ("(none)", 1), ("broken", 1)]
