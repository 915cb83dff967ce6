"""Intervals against scipy's bootstrap, and coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from components.evaluation import bootstrap
from components.families.base import metric
from components.families.regression.family import FAMILY as REGRESSION
from components.families.shared.metrics import MACRO_F1, accuracy

SHARE = accuracy("label")  # of (hits, rows)


@pytest.mark.slow
def test_the_interval_agrees_with_scipys() -> None:
    from scipy import stats

    generator = np.random.default_rng(0)
    x = generator.normal(size=200)
    y = x + generator.normal(size=200)
    rows, predictions = [{"score": v} for v in x], [{"score": v} for v in y]
    pearson, *_ = REGRESSION.metrics
    statistics = pearson.statistics(rows, predictions, {"mean": 0.0})
    resampled = pearson.resampled(bootstrap.weights([[] for _ in x], 4000, 1), statistics)
    found = bootstrap.interval(resampled, 0.95)
    expected = stats.bootstrap(
        (x, y), lambda a, b: stats.pearsonr(a, b)[0], paired=True, vectorized=False, n_resamples=4000,
        method="percentile", rng=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    assert found == pytest.approx([expected.low, expected.high], abs=0.015)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for trial in range(200):
        hits = generator.random(150) < 0.8
        statistics = np.stack([hits, np.ones(150)], axis=1)
        resampled = SHARE.resampled(bootstrap.weights([[]] * 150, 400, trial), statistics)
        low, high = bootstrap.interval(resampled, 0.95)
        covered += low <= 0.8 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_groups_widen_the_interval_where_rows_of_a_group_agree() -> None:
    generator = np.random.default_rng(4)
    values = np.repeat(generator.random(20) < 0.5, 30)  # 20 groups, all rows of one alike
    statistics = np.stack([values, np.ones(600)], axis=1).astype(float)
    spread = {}
    for name, groups in {"rows": [[]] * 600, "groups": [[str(i // 30)] for i in range(600)]}.items():
        resampled = SHARE.resampled(bootstrap.weights(groups, 500, 5), statistics)
        low, high = bootstrap.interval(resampled, 0.95)
        spread[name] = high - low
    assert spread["groups"] > 3 * spread["rows"]


def test_a_pair_counts_the_product_of_its_documents() -> None:
    groups = [["a", "b"], ["a", "c"], ["b", "c"]]
    weights = bootstrap.weights(groups, 50, 6)
    for ab, ac, bc in weights:
        assert any(
            (a * b, a * c, b * c) == (ab, ac, bc) and a + b + c == 3
            for a in range(4) for b in range(4) for c in range(4)
        )  # fmt: skip


def test_the_p_value_is_small_only_for_a_consistent_loss_and_never_zero() -> None:
    assert bootstrap.p_value(np.full(999, -0.1)) == pytest.approx(0.001)
    assert bootstrap.p_value(np.full(999, 0.1)) == 1.0


def test_a_large_label_set_is_resampled_in_blocks_as_a_small_one_is_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = np.random.default_rng(7)
    labels = [f"class {number}" for number in range(40)]
    gold, said = ([{"label": labels[n]} for n in generator.integers(0, 40, 90)] for _ in range(2))
    weights = bootstrap.weights([[]] * 90, 30, 8)
    statistics = MACRO_F1.statistics(gold, said, {"labels": labels})
    expected = MACRO_F1.value(weights.astype(float) @ statistics.toarray())
    assert MACRO_F1.of_each_row(statistics) == pytest.approx(MACRO_F1.value(statistics.toarray()))
    monkeypatch.setattr(metric, "CELLS", 500)
    assert MACRO_F1.resampled(weights, statistics) == pytest.approx(expected)
    assert MACRO_F1.of_each_row(statistics) == pytest.approx(MACRO_F1.value(statistics.toarray()))
