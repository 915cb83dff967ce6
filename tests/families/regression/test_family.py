"""Regression: rows read or refused in one sentence, losses by hand, metrics as scipy's and scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given

from components.errors import BadRowError
from components.families.regression.family import FAMILY
from tests.families.families import (
    UNICODE,
    ask,
    gradient_reaches_the_head,
    learn,
    losses_add_up,
    metric,
    metric_names,
    read,
    resampled_equals_repeated,
)

ROWS = [{"score": 2.0, "text_pair": None}, {"score": 6.0, "text_pair": None}]
FACTS = learn(FAMILY, ROWS)  # mean 4, deviation 2
OF_PAIRS = learn(FAMILY, [{**row, "text_pair": "b"} for row in ROWS])


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"score": 1}, "'text' is missing, expected a text"),
        ({"text": "\n", "score": 1}, "'text' is empty, expected a text"),
        ({"text": ["a"], "score": 1}, "'text' is ['a'], expected a text"),
        ({"text": "a", "text_pair": "", "score": 1}, "'text_pair' is empty, expected a text"),
        ({"text": "a", "score": None}, "'score' is None, expected a number"),
        ({"text": "a", "score": ""}, "'score' is '', expected a number"),
        ({"text": "a", "score": "4,5"}, "'score' is '4,5', expected a number"),
        ({"text": "a", "score": [4]}, "'score' is [4], expected a number"),
        ({"text": "a", "score": "nan"}, "'score' is 'nan', expected a finite number"),
        ({"text": "a", "score": float("inf")}, "'score' is inf, expected a finite number"),
    ],
)
def test_a_malformed_row_gets_one_sentence(record: dict, sentence: str) -> None:
    with pytest.raises(BadRowError) as error:
        read(FAMILY, record, FACTS)
    assert str(error.value) == sentence


def test_scores_that_teach_nothing_are_refused() -> None:
    with pytest.raises(BadRowError, match=r"all 2 training scores are 2\.0, nothing to learn"):
        learn(FAMILY, [ROWS[0], ROWS[0]])
    with pytest.raises(BadRowError, match="remove `labels`"):
        learn(FAMILY, ROWS, ["2", "6"])


@given(text=UNICODE, text_pair=UNICODE)
def test_any_unicode_is_answered(tokenizer: Any, text: str, text_pair: str) -> None:
    assert np.isfinite(ask(FAMILY, tokenizer, {"text": text}, FACTS).score)
    assert np.isfinite(ask(FAMILY, tokenizer, {"text": text, "text_pair": text_pair}, OF_PAIRS).score)


def test_the_loss_is_the_one_by_hand() -> None:
    """In standard deviations the scores are -1 and 1; 0.5 and 1 are predicted, which is 5 and 6."""
    targets = [FAMILY.target(row, [], FACTS) for row in ROWS]
    loss = FAMILY.loss(torch.tensor([[0.5], [1.0]]), FAMILY.collate(targets, 0), FACTS)
    assert loss.item() == pytest.approx(1.5**2)
    assert FAMILY.decode(np.array([0.5]), {}, FACTS) == {"score": 5.0}


def test_losses_add_up_and_reach_the_head() -> None:
    assert losses_add_up(FAMILY, np.random.default_rng(0).normal(size=(3, 1)), [0.5, -1.0, 2.0], FACTS)
    hidden, mask = torch.randn(2, 5, 8), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
    assert gradient_reaches_the_head(FAMILY, hidden, mask, [1.0, -1.0], FACTS)


def test_correlations_and_errors_are_scipys_and_scikit_learns() -> None:
    from scipy.stats import kendalltau, pearsonr, spearmanr
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    generator = np.random.default_rng(0)
    gold = generator.normal(3, 2, 300)
    predicted = gold + generator.normal(0, 1, 300)
    rows, predictions = [{"score": g} for g in gold], [{"score": p} for p in predicted]
    found = {name: metric(FAMILY, name, rows, predictions, FACTS) for name in metric_names(FAMILY)}
    assert found == pytest.approx(
        {
            "pearson": pearsonr(gold, predicted).statistic,
            "r2": r2_score(gold, predicted),
            "spearman": spearmanr(gold, predicted).statistic,
            "kendall": kendalltau(gold, predicted).statistic,
            "negative_mae": -mean_absolute_error(gold, predicted),
            "negative_rmse": -root_mean_squared_error(gold, predicted),
        }
    )
    assert resampled_equals_repeated(FAMILY, rows, predictions, FACTS)


def test_a_constant_prediction_has_pearson_zero_not_nan() -> None:
    rows, predictions = [{"score": 1.0}, {"score": 2.0}], [{"score": 1.7}, {"score": 1.7}]
    assert metric(FAMILY, "pearson", rows, predictions, {"mean": 0.1}) == 0.0
