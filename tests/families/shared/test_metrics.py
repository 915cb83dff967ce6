"""Metrics of classes: those of scikit-learn, whatever classes are absent, and whatever the rows weigh."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.families.shared.metrics import KAPPA, MCC, TOP_K

LABELS = ["a", "b", "c", "d"]


def drawn(seed: int, rows: int, classes: int) -> tuple[list[dict], list[dict], np.ndarray]:
    """Gold and predictions of the first `classes` labels, and whole weights, some of them 0."""
    generator = np.random.default_rng(seed)
    gold, said = ([{"label": LABELS[n]} for n in generator.integers(0, classes, rows)] for _ in range(2))
    said = [one if generator.random() < 0.5 else dict(right) for one, right in zip(said, gold, strict=True)]
    return gold, said, generator.integers(0, 4, rows)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 60), classes=st.integers(1, 4))
@pytest.mark.filterwarnings("ignore")  # scikit-learn's own, of one class
def test_mcc_and_kappa_are_scikit_learns_of_weighted_rows(seed: int, rows: int, classes: int) -> None:
    from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

    gold, said, weights_N = drawn(seed, rows, classes)
    weights_N[0] = 1
    pair = [one["label"] for one in gold], [one["label"] for one in said]
    for metric, reference in ((MCC, matthews_corrcoef), (KAPPA, cohen_kappa_score)):
        statistics = metric.statistics(gold, said, {"labels": LABELS})
        expected = np.nan_to_num(reference(*pair, sample_weight=weights_N))
        assert metric.value(weights_N[None].astype(float) @ statistics)[0] == pytest.approx(
            expected, abs=1e-9
        )
        assert metric.total(statistics) == pytest.approx(np.nan_to_num(reference(*pair)), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 40), decimals=st.sampled_from([1, 8]))
def test_top_k_accuracy_is_scikit_learns_with_ties_too(seed: int, rows: int, decimals: int) -> None:
    from sklearn.metrics import top_k_accuracy_score

    generator = np.random.default_rng(seed)
    labels = [*LABELS, "e", "f", "g"]
    scores_NC = generator.dirichlet(np.ones(7), rows).round(decimals)
    numbers = generator.integers(0, 7, rows)
    gold = [{"label": labels[number]} for number in numbers]
    said = [{"probabilities": dict(zip(labels, score_C, strict=True))} for score_C in scores_NC]
    for k, metric in TOP_K.items():
        expected = top_k_accuracy_score(numbers, scores_NC, k=k, labels=range(7))
        assert metric.measure(gold, said, {"labels": labels}) == pytest.approx(expected)


def test_a_label_that_was_not_kept_is_no_more_probable_than_any_other() -> None:
    facts = {"labels": [f"l{number}" for number in range(9)]}
    said = [{"label": "l1", "probabilities": {"l1": 0.7, "l2": 0.2}}] * 3
    gold = [{"label": "l1"}, {"label": "l2"}, {"label": "l8"}]
    assert TOP_K[3].measure(gold, said, facts) == pytest.approx(
        1
    )  # the last of the set is the first of equals
    assert TOP_K[3].measure([{"label": "l0"}], said[:1], facts) == 0
