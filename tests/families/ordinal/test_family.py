"""Ordinal: rows read or refused in one sentence, ordered thresholds, losses by hand, metrics as scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from components.errors import BadRowError
from components.families.ordinal.family import FAMILY, _rounded
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

LEVELS = ["low", "medium", "high"]
ROWS = [{"label": label} for label in ["low"] * 5 + ["medium"] * 2 + ["high"] * 3]
FACTS = learn(FAMILY, ROWS, LEVELS)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"text": None, "label": "low"}, "'text' is missing, expected a text"),
        ({"text": "a", "label": None}, "'label' is missing, expected a text"),
        ({"text": "a", "label": ""}, "'label' is empty, expected a text"),
        ({"text": "a", "label": 1.5}, "'label' is 1.5, expected a text"),
        ({"text": "a", "label": {"level": 1}}, "'label' is {'level': 1}, expected a text"),
        ({"text": "a", "label": 1}, "label '1' is not in the label set; expected one of low, medium, high"),
        (
            {"text": "a", "label": "hihg"},
            "label 'hihg' is not in the label set (did you mean 'high'?); expected one of low, medium, high",
        ),
        ({"turns": "[", "label": "low"}, "'turns' is '[', expected a JSON list"),
    ],
)
def test_a_malformed_row_gets_one_sentence(record: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, record, FACTS)
    assert str(error.value) == sentence


@pytest.mark.parametrize("labels", [None, ["only"]])
def test_levels_without_an_order_are_refused(labels: list[str] | None) -> None:
    with pytest.raises(
        BadRowError, match="`labels` must name two levels or more, from the lowest to the highest"
    ):
        learn(FAMILY, ROWS, labels)


def test_numeric_levels_read_as_numbers_and_as_text() -> None:
    facts = learn(FAMILY, [{"label": "1"}], ["1", "2", "3"])
    assert [read(FAMILY, {"text": "a", "label": label}, facts)["label"] for label in (2, " 3")] == ["2", "3"]


@given(text=UNICODE, levels=st.integers(2, 12))
def test_any_unicode_is_answered(tokenizer: Any, text: str, levels: int) -> None:
    names = [str(level) for level in range(levels)]
    facts = learn(FAMILY, [{"label": "0"}], names)
    answer = ask(FAMILY, tokenizer, {"text": text}, facts)
    assert answer.label == names[answer.level]
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert min(answer.probabilities.values()) >= 0


def test_the_head_starts_at_the_shares_of_training() -> None:
    """With a row more for every level: 3 of 13 and 4 of 13 are the highest two, 7 of 13 are above low."""
    head = FAMILY.head(8, FACTS)
    torch.nn.init.zeros_(head.score.weight)
    logits = head(torch.randn(1, 4, 8), torch.ones(1, 4)).detach()
    torch.testing.assert_close(torch.sigmoid(logits), torch.tensor([[7 / 13, 4 / 13]]))


@given(st.lists(st.floats(-30, 30, width=32), min_size=3, max_size=3))
def test_the_thresholds_stay_in_order_whatever_is_learnt(gaps: list[float]) -> None:
    head = FAMILY.head(8, learn(FAMILY, ROWS, [*LEVELS, "extreme", "absurd"]))
    with torch.no_grad():
        head.gaps.copy_(torch.tensor(gaps))
        logits = head(torch.randn(1, 4, 8), torch.ones(1, 4))[0]
    assert (logits.diff() <= 0).all()


def test_the_level_is_the_number_of_questions_answered_yes() -> None:
    prediction = FAMILY.decode(np.log([0.8 / 0.2, 0.3 / 0.7]), {}, FACTS)
    assert (prediction["label"], prediction["level"]) == ("medium", 1)
    assert prediction["probabilities"] == pytest.approx({"low": 0.2, "medium": 0.5, "high": 0.3})


def test_the_loss_is_the_one_by_hand() -> None:
    """P(above low) = 3/4, P(above medium) = 1/4: a row that is medium, and one that is high."""
    logits = torch.logit(torch.tensor([[0.75, 0.25], [0.75, 0.25]]))
    targets = [FAMILY.target({"label": label}, [], FACTS) for label in ("medium", "high")]
    medium = -(np.log(0.75) + np.log(0.75)) / 2
    high = -(np.log(0.75) + np.log(0.25)) / 2
    assert FAMILY.loss(logits, FAMILY.collate(targets, 0), FACTS).item() == pytest.approx(medium + high)


def test_losses_add_up_and_reach_the_head() -> None:
    generator = np.random.default_rng(0)
    assert losses_add_up(FAMILY, generator.normal(size=(4, 2)), [0, 1, 2, 1], FACTS)
    hidden, mask = torch.randn(2, 5, 8), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert gradient_reaches_the_head(FAMILY, hidden, mask, [0, 2], FACTS)


def test_padding_changes_no_answer(tokenizer: Any) -> None:
    assert padding_changes_nothing(FAMILY, tokenizer, FACTS)


@given(seed=st.integers(0, 1000), rows=st.integers(2, 40))
def test_the_metrics_are_scikit_learns(seed: int, rows: int) -> None:
    from scipy.stats import kendalltau, spearmanr
    from sklearn.metrics import accuracy_score, cohen_kappa_score, mean_absolute_error

    generator = np.random.default_rng(seed)
    gold = generator.integers(0, 5, rows)
    predicted = (gold + generator.integers(-1, 2, rows)).clip(0, 4)
    gold[:2], predicted[:2] = (0, 4), (1, 4)  # never all the same level, where kappa is undefined
    facts = {"labels": list("abcde")}
    answers, predictions = ([{"label": "abcde"[level]} for level in side] for side in (gold, predicted))
    found = {name: metric(FAMILY, name, answers, predictions, facts) for name in metric_names(FAMILY)}
    assert found == pytest.approx(
        {
            "quadratic_kappa": cohen_kappa_score(gold, predicted, labels=range(5), weights="quadratic"),
            "negative_mae": -mean_absolute_error(gold, predicted),
            "accuracy": accuracy_score(gold, predicted),
            "spearman": spearmanr(gold, predicted).statistic,
            "kendall": kendalltau(gold, predicted).statistic,
        }
    )


def test_the_metrics_can_be_resampled() -> None:
    generator = np.random.default_rng(0)
    rows, predictions = ([{"label": label} for label in generator.choice(LEVELS, 50)] for _ in "gp")
    assert resampled_equals_repeated(FAMILY, rows, predictions, FACTS)


def test_kappa_of_one_level_everywhere_is_zero_not_nan() -> None:
    same = [{"label": "medium"}] * 3
    assert metric(FAMILY, "quadratic_kappa", same, same, FACTS) == 0
    assert metric(FAMILY, "negative_mae", same, same, FACTS) == 0


def test_the_trivial_baseline_is_the_median_level() -> None:
    assert FAMILY.majority_baseline(ROWS, ROWS[:2], FACTS) == [{"label": "medium"}] * 2


def test_the_linear_baseline_rounds_to_a_level() -> None:
    texts = {"calm and calm": "low", "rather calm": "medium", "fire and fire": "high"}
    rows = [{"text": text, "text_pair": None, "label": label} for text, label in texts.items()] * 9
    assert [found["label"] for found in FAMILY.tfidf_baseline(rows, rows[:3], FACTS)] == list(texts.values())


def test_what_the_linear_baseline_scores_beyond_the_levels_is_the_last_of_them() -> None:
    texts = {"calm": "low", "fire": "high", "calm calm calm fire": "low", "fire fire fire calm": "high"}
    rows = [{"text": text, "text_pair": None, "label": label} for text, label in texts.items()] * 9
    asked = [{"text": text, "text_pair": None} for text in ("fire", "fire fire fire", "calm")]
    assert [one["label"] for one in FAMILY.tfidf_baseline(rows, asked, FACTS)] == ["high", "high", "low"]
    scored = [lambda rows: [{"score": score} for score in (-3.0, 0.4, 1.6, 9.0)]]
    assert [one["label"] for one in _rounded(scored[0], FACTS["labels"], asked)] == [
        "low", "low", "high", "high",
    ]  # fmt: skip


def test_the_report_draws_the_levels_in_their_order() -> None:
    import pyarrow as pa

    table = pa.Table.from_pylist(ROWS[:6], FAMILY.target_schema())
    assert FAMILY.distribution(table, FACTS) == [("low", 5), ("medium", 1), ("high", 0)]
