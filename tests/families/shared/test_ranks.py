"""Metrics of ranks: those of scikit-learn and scipy, and resamples that are their own to first order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.families.shared import ranks
from components.families.shared.metrics import AUC, AVERAGE_PRECISION

TIES = st.sampled_from([0, 1, 8])  # decimals: few of them make ties
LABELS = ["a", "b", "c"]


def correlated(seed: int, rows: int, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x_N = generator.normal(size=rows)
    return x_N.round(decimals), (0.6 * x_N + generator.normal(size=rows)).round(decimals)


def outcomes(seed: int, rows: int, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    x_N, p_N = correlated(seed, rows, decimals)
    y_N = (x_N > 0.5).astype(float)
    y_N[:2] = 0, 1
    return y_N, p_N


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 80), decimals=TIES)
@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_correlations_are_scipys(seed: int, rows: int, decimals: int) -> None:
    from scipy.stats import kendalltau, spearmanr

    x_N, y_N = correlated(seed, rows, decimals)
    for values, reference in ((ranks.spearman_values, spearmanr), (ranks.kendall_values, kendalltau)):
        found = ranks.correlation(values(x_N, y_N).sum(0)[None])[0]
        assert found == pytest.approx(np.nan_to_num(reference(x_N, y_N).statistic), abs=1e-9)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 80), decimals=TIES)
def test_areas_are_scikit_learns(seed: int, rows: int, decimals: int) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    y_N, p_N = outcomes(seed, rows, decimals)
    assert ranks.roc_auc_values(y_N, p_N).mean() == pytest.approx(roc_auc_score(y_N, p_N))
    assert ranks.average_precision_values(y_N, p_N).mean() == pytest.approx(average_precision_score(y_N, p_N))


@given(values=st.lists(st.integers(0, 9), min_size=1, max_size=40), data=st.data())
def test_counting_below_a_bound_is_counting(values: list[int], data: st.DataObject) -> None:
    values_N = np.array(values) % len(values)
    bounds = st.integers(0, len(values))
    asked = data.draw(st.lists(st.tuples(bounds, bounds), min_size=1))
    found = ranks.count_below(values_N, *np.array(asked).T)
    assert found.tolist() == [int((values_N[:prefix] < bound).sum()) for prefix, bound in asked]


def _spearman(x_N: np.ndarray, y_N: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(x_N, y_N).statistic)


def _kendall(x_N: np.ndarray, y_N: np.ndarray) -> float:
    from scipy.stats import kendalltau

    return float(kendalltau(x_N, y_N).statistic)


def _auc(y_N: np.ndarray, p_N: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(y_N, p_N))


def _average_precision(y_N: np.ndarray, p_N: np.ndarray) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(y_N, p_N))


def area_statistics(values: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda y_N, p_N: np.stack([values(y_N, p_N), np.ones(len(y_N))], axis=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("draw", "statistics", "of_sums", "exact"),
    [
        (correlated, ranks.spearman_values, ranks.correlation, _spearman),
        (correlated, ranks.kendall_values, ranks.correlation, _kendall),
        (outcomes, area_statistics(ranks.roc_auc_values), ranks.mean_area, _auc),
        (outcomes, area_statistics(ranks.average_precision_values), ranks.mean_area, _average_precision),
    ],
)
def test_a_resample_is_that_of_its_rows_repeated_to_first_order(
    draw: Callable, statistics: Callable, of_sums: Callable, exact: Callable
) -> None:
    """As widely spread to a twentieth, and each by itself as near as 1 / sqrt(N) lets it be."""
    one_N, other_N = draw(0, 1000, 1)
    weights_RN = np.random.default_rng(1).multinomial(1000, np.full(1000, 1 / 1000), 150)
    repeated = [np.repeat(np.arange(1000), weights_N) for weights_N in weights_RN]
    exact_R = np.array([exact(one_N[rows], other_N[rows]) for rows in repeated])
    found_R = of_sums(weights_RN @ statistics(one_N, other_N))
    assert found_R.std() == pytest.approx(exact_R.std(), rel=0.05)
    assert np.corrcoef(found_R, exact_R)[0, 1] > 0.98


def of_classes(seed: int, rows: int, labels: list[str]) -> tuple[list[dict], list[dict], np.ndarray]:
    """Rows and predictions of which some labels may be absent, and the probabilities as a matrix."""
    generator = np.random.default_rng(seed)
    scores_NC = generator.dirichlet(np.ones(len(labels)), rows).round(1)
    gold = [{"label": labels[place]} for place in generator.integers(0, max(2, len(labels) - 1), rows)]
    said = [
        {"label": labels[int(score_C.argmax())], "probabilities": dict(zip(labels, score_C, strict=True))}
        for score_C in scores_NC
    ]
    return gold, said, scores_NC


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(2, 60))
def test_of_several_classes_it_is_the_mean_over_those_that_occur(seed: int, rows: int) -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    gold, said, scores_NC = of_classes(seed, rows, LABELS)
    truth_NC = np.array([[row["label"] == label for label in LABELS] for row in gold])
    occurs = [place for place in range(3) if 0 < truth_NC[:, place].sum() < rows]
    facts = {"labels": LABELS}
    for metric, reference in ((AUC, roc_auc_score), (AVERAGE_PRECISION, average_precision_score)):
        expected = [reference(truth_NC[:, place], scores_NC[:, place]) for place in occurs]
        undefined = 0.5 if metric is AUC else 0.0
        found = metric.measure(gold, said, facts)
        assert found == pytest.approx(np.mean(expected) if expected else undefined)


def test_of_one_class_alone_nothing_is_claimed() -> None:
    gold, said = [{"label": "a"}] * 3, [{"label": "a", "probabilities": {"a": p}} for p in (0.1, 0.5, 0.9)]
    assert AUC.measure(gold, said, {"labels": LABELS}) == 0.5
    assert AVERAGE_PRECISION.measure(gold, said, {"labels": LABELS}) == 0.0


def test_an_answer_without_probabilities_is_sure_of_its_label() -> None:
    gold = [{"label": label} for label in "aabb"]
    said = [{"label": label} for label in "abbb"]
    assert AUC.measure(gold, said, {"labels": ["a", "b"]}) == pytest.approx(0.75)
