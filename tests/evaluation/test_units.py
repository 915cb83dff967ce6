"""What intervals are made of: units of rows, and metrics without each."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from components.evaluation import units as module
from components.evaluation.gates.measure import Score
from components.evaluation.units import Units, sample
from components.families.base import Metric, metric
from components.families.regression.family import FAMILY as REGRESSION
from components.families.shared.metrics import MACRO_F1, accuracy

PEARSON = REGRESSION.metrics[0]
SHARE = accuracy("label")


def scores(count: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    gold = generator.normal(size=count)
    rows, said = [{"score": v} for v in gold], [{"score": v + generator.normal()} for v in gold]
    return np.asarray(PEARSON.statistics(rows, said, {"mean": 0.0}))


def classes(count: int, labels: int, seed: int) -> object:
    generator = np.random.default_rng(seed)
    gold, said = ([{"label": str(n)} for n in generator.integers(0, labels, count)] for _ in range(2))
    return MACRO_F1.statistics(gold, said, {"labels": [str(n) for n in range(labels)]})


def test_without_a_row_is_the_metric_of_the_others() -> None:
    table = scores(12, 0)
    found = sample(PEARSON, table, Units.of([[]] * 12))
    assert found.without_U == pytest.approx([PEARSON.total(np.delete(table, row, 0)) for row in range(12)])


def test_without_a_group_is_the_metric_of_the_rows_that_do_not_belong_to_it() -> None:
    table = scores(6, 1)
    groups = [["a", "b"], ["a", "c"], ["b", "c"], ["d"], [], ["d", "a"]]
    units = Units.of(groups)
    assert units.count == 5  # a, b, c, d, and the row of no group
    assert units.overlap
    expected = sorted(
        PEARSON.total(table[[name not in row for row in groups]]) for name in ("a", "b", "c", "d")
    )
    expected.append(PEARSON.total(np.delete(table, 4, 0)))
    assert sorted(sample(PEARSON, table, units).without_U) == pytest.approx(sorted(expected))


def test_rows_that_are_left_out_take_their_groups_along() -> None:
    units = Units.of([["a"], ["a"], ["b"], ["c"]]).pick(np.array([True, True, False, True]))
    assert units.count == 2
    assert Units.of([[]] * 4).pick(np.array([True, False, True, True])).count == 3


def test_a_mean_has_the_influence_that_the_textbook_gives_it() -> None:
    right = np.array([1, 0, 1, 1, 0, 1, 1, 1.0])
    found = sample(SHARE, np.stack([right, np.ones(8)], axis=1), Units(8))
    assert found.influence == pytest.approx(right - right.mean())
    assert found.bias == pytest.approx(0)


def test_pairs_of_documents_that_do_not_matter_are_as_sure_as_so_many_rows() -> None:
    """Each document counts its pairs, so that a pair's own error is there twice; it is taken off once."""
    generator = np.random.default_rng(3)
    pairs = [[str(i), str(j)] for i in range(40) for j in range(i)]
    table = np.stack([generator.normal(size=len(pairs)), np.ones(len(pairs))], axis=1)
    by_pair, by_row = sample(SHARE, table, Units.of(pairs)), sample(SHARE, table, Units(len(pairs)))
    variances = [np.mean(one.influence**2) / len(one.influence) for one in (by_pair, by_row)]
    assert variances[0] == pytest.approx(variances[1], rel=0.35)


def test_what_two_rows_draw_together_is_in_the_variance_once() -> None:
    """The mean of (x + a) (y + a) over all pairs of rows, x and y normal: its variance is 4 a^2 / n, and
    2 / (n (n - 1)) of the pairs, which a jackknife has there twice (Efron & Stein 1981)."""
    n, a, generator = 20, 0.35, np.random.default_rng(8)
    of_pairs = Metric(
        "pairs",
        SHARE.statistics,
        lambda s_R3: (s_R3[:, 1] ** 2 - s_R3[:, 2]) / (s_R3[:, 0] * (s_R3[:, 0] - 1)),
    )
    found = []
    for _ in range(400):
        x = generator.normal(a, 1, n)
        one = sample(of_pairs, np.stack([np.ones(n), x, x**2], axis=1), Units(n))
        alone = replace(one, together_P=None)
        found.append([np.mean(each.influence**2) / (n - 1) for each in (one, alone)])
    once, twice = np.mean(found, axis=0) / (4 * a**2 / n + 2 / (n * (n - 1)))
    assert once == pytest.approx(1, abs=0.1)
    assert twice > 1.1


def test_of_many_rows_some_pairs_tell_what_all_do(monkeypatch: pytest.MonkeyPatch) -> None:
    table = classes(120, 40, 7)
    some = sample(MACRO_F1, table, Units(120))
    monkeypatch.setattr(module, "MOST_PAIRS", 10_000)
    every = sample(MACRO_F1, table, Units(120))
    assert some.together_P is not None and every.together_P is not None
    assert (len(some.together_P), len(every.together_P)) == (2_500, 120 * 119 // 2)
    assert np.var(some.together_P) == pytest.approx(np.var(every.together_P), rel=0.4)
    assert sample(MACRO_F1, table, Units(120)).influence.tolist() == every.influence.tolist()


def test_pairs_of_groups_with_many_rows_each_take_little_memory() -> None:
    """Each of 71 groups is left out together with each other; of their rows only the sums are needed."""
    generator = np.random.default_rng(9)
    table, group = generator.random((50_000, 3)), generator.integers(0, 71, 50_000)
    units = Units(71, module._members(group, np.arange(50_000)))
    tracemalloc.start()
    found = sample(PEARSON, np.hstack([table, table, table[:, :1]]), units)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.together_P is not None and len(found.together_P) == 71 * 70 // 2
    assert peak < 20e6  # bytes; rows by pairs would be 100


def test_a_value_less_nothing_is_as_sure_as_the_value() -> None:
    found = sample(MACRO_F1, classes(60, 40, 7), Units(60))
    assert (found - found.nothing).influence.tolist() == found.influence.tolist()
    assert Score(found).interval(0.95)[0] > Score(replace(found, together_P=None)).interval(0.95)[0]


def test_many_rows_of_many_statistics_are_put_together_and_tell_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = classes(4000, 5, 4)
    every = sample(MACRO_F1, table, Units(4000))
    monkeypatch.setattr(module, "MOST_CELLS", 15 * 1000)
    some = sample(MACRO_F1, table, Units(4000))
    assert len(some.without_U) == 1000
    errors = [np.sqrt(np.mean(one.influence**2) / len(one.influence)) for one in (every, some)]
    assert errors[1] == pytest.approx(errors[0], rel=0.1)


def test_blocks_of_rows_give_what_all_at_once_give(monkeypatch: pytest.MonkeyPatch) -> None:
    table = classes(90, 40, 5)
    expected = MACRO_F1.without(table)
    monkeypatch.setattr(metric, "CELLS", 500)
    assert MACRO_F1.without(table) == pytest.approx(expected)


def test_a_million_rows_take_little_memory() -> None:
    generator = np.random.default_rng(6)
    table = np.stack([generator.random(1_000_000) < 0.9, np.ones(1_000_000)], axis=1)
    tracemalloc.start()
    found = sample(SHARE, table, Units(1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.without_U) == 1_000_000
    assert peak < 200e6  # bytes
