"""Intervals of macro F1 and of areas, where classes have few rows or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from benchmarks import worlds
from components.evaluation.intervals import difference, wilson, worth_of
from components.evaluation.units import Units, sample
from components.families.click.metrics import METRICS as CLICK
from components.families.click.metrics import roc_auc
from components.families.shared.metrics import AUC, MACRO_F1, label_counts
from components.families.shared.ranks import areas, balanced_rows, roc_auc_values
from components.families.shared.rare_classes import bias_of_macro_f1, ends_of_macro_f1
from tests.evaluation.intervals.measured import of, of_two

if TYPE_CHECKING:
    from components.families.base.metric import Table


def takahashi(table: Table, macro: bool) -> float:
    """The standard error of an F1 by the delta method of Takahashi et al. 2022, from the confusion matrix."""
    counts_C3 = np.asarray(table.sum(axis=0)).reshape(-1, 3) / table.shape[0]
    hits, said, gold = counts_C3.T
    if not macro:  # every row has one label and gets one: micro F1 is the share of hits (their theorem 1)
        return float(np.sqrt(hits.sum() * (1 - hits.sum()) / table.shape[0]))
    classes = len(counts_C3)
    dense = table.toarray().reshape(table.shape[0], classes, 3)  # type: ignore[union-attr]
    f1_C, weight_C = 2 * hits / (said + gold), 1 / (said + gold)
    influence_N = (weight_C * (2 * dense[:, :, 0] - f1_C * (dense[:, :, 1] + dense[:, :, 2]))).sum(
        1
    ) / classes
    return float(np.sqrt(np.mean(influence_N**2) / table.shape[0]))


def test_the_standard_error_of_a_macro_f1_is_that_of_the_delta_method() -> None:
    generator = np.random.default_rng(3)
    gold = generator.integers(0, 4, 3000)
    said = np.where(generator.random(3000) < 0.7, gold, generator.integers(0, 4, 3000))
    rows, answers = ([{"label": str(n)} for n in side] for side in (gold, said))
    table = MACRO_F1.statistics(rows, answers, {"labels": ["0", "1", "2", "3"]})
    found = sample(MACRO_F1, table, Units(3000))
    error = np.sqrt(np.mean(found.influence**2) / 3000)
    assert error == pytest.approx(takahashi(table, macro=True), rel=0.01)
    low, high = of(MACRO_F1, table)
    half = 1.96 * takahashi(table, macro=True)
    assert [low, high] == pytest.approx([found.value - half, found.value + half], abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "rows"), [(50, 50), (50, 200), (150, 100), (5, 50)])
def test_the_interval_of_a_macro_f1_holds_the_truth_though_classes_have_hardly_a_row(
    classes: int, rows: int
) -> None:
    """150 test sets of a known population: at least 93 % less what chance takes from so few."""
    generator = np.random.default_rng(11)
    frequency = 1 / np.arange(1, classes + 1) ** 0.5
    gold, other = generator.choice(classes, (2, 20_000), p=frequency / frequency.sum())
    said = np.where(generator.random(20_000) < 0.8, gold, other)
    labels = [str(number) for number in range(classes)]
    table: Any = label_counts([(labels[n],) for n in gold], [(labels[n],) for n in said], labels)
    truth = MACRO_F1.total(table)
    drawn = [of(MACRO_F1, table[generator.integers(0, 20_000, rows)]) for _ in range(150)]
    assert np.mean([low <= truth <= high for low, high in drawn]) >= 0.9


def test_a_perfect_area_of_five_positives_is_known_no_better_than_one_of_eighteen_rows() -> None:
    said = np.arange(50.0)
    table = areas(roc_auc_values((said >= 45).astype(float), said), balanced_rows(np.array([5]), 50))
    assert AUC.total(table) == 1
    assert of(AUC, table) == pytest.approx([stats.binomtest(18, 18).proportion_ci(0.95, "wilson").low, 1])


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "area", "spread"), [(50, 0.7, 1.5), (50, 0.86, 1.0), (100, 0.95, 1.5)])
def test_the_interval_of_an_area_with_a_tenth_of_positives_holds_the_truth(
    rows: int, area: float, spread: float
) -> None:
    """400 test sets of two normal distributions, which may be of unequal width (Green & Swets 1966)."""
    generator = np.random.default_rng(12)
    apart = stats.norm.ppf(area) * np.sqrt(1 + spread**2)
    auc = next(metric for metric in CLICK if metric.name == "auc")
    held = []
    for _ in range(400):
        yes = generator.random(rows) < 0.1
        yes[0], yes[1] = True, False
        drawn = generator.normal(size=rows)
        low, high = of(auc, roc_auc(yes.astype(float), np.where(yes, apart + spread * drawn, drawn)))
        held.append(low <= area <= high)
    assert 0.92 < np.mean(held) <= 1


def test_a_positive_of_five_is_held_for_one_that_may_fall_past_three_quarters_of_the_rest() -> None:
    """It is worth a fifth of the area where it falls from the best place to the last."""
    yes = (np.arange(1000) < 5).astype(float)
    auc = next(metric for metric in CLICK if metric.name == "auc")
    tables = [roc_auc(yes, side) for side in (yes, np.zeros(1000))]
    assert worth_of(auc, *tables, Units(1000)) / 1000 == pytest.approx(0.15, rel=0.01)


def test_an_area_is_told_by_three_rows_for_each_of_the_rarer_outcome() -> None:
    """Five positives that all stand above the same 36 of 45 negatives show no spread, and may have one."""
    yes, said = np.arange(50) < 5, np.where(np.arange(50) < 5, 40.5, np.arange(50))
    auc = next(metric for metric in CLICK if metric.name == "auc")
    low, high = of(auc, roc_auc(yes.astype(float), said))
    assert [low, high] == pytest.approx(wilson(36 / 45, 15, float(stats.t.ppf(0.975, 14))), abs=1e-3)


def test_an_area_of_even_outcomes_is_told_by_each_row() -> None:
    generator = np.random.default_rng(4)
    yes = (np.arange(60) < 30).astype(float)
    table = roc_auc(yes, generator.normal(size=60) + yes)
    auc = next(metric for metric in CLICK if metric.name == "auc")
    assert of(auc, table) == of(replace(auc, ends=None), table)


@pytest.mark.parametrize(("rare", "low"), [((4, 4), 0.84), ((1, 1), 0.67), ((0, 0), 0.5)])
def test_a_macro_f1_is_not_sure_of_a_class_with_few_rows_that_are_all_right(rare: tuple, low: float) -> None:
    """A jackknife finds no doubt in them: it had .93. Wilson's interval of 4 of 4 begins at .51, an F1 of
    .67, and of 1 of 1 at .21; of a class without a row nothing is known."""
    found = of(MACRO_F1, of_two((46, 46), rare))
    assert found[0] == pytest.approx(low, abs=0.02)
    assert found[1] == 1.0


@pytest.mark.parametrize(("major", "rare"), [((44, 45), (5, 5)), ((45, 45), (4, 5)), ((46, 46), (3, 4))])
def test_one_wrong_row_may_be_chance_where_hardly_any_is(major: tuple, rare: tuple) -> None:
    """Of 1,000 rows two are wrong: the macro F1 is .9947, and one of 50 is wrong in 9 % of the test sets."""
    low, high = of(MACRO_F1, of_two(major, rare))
    assert low < MACRO_F1.total(of_two(major, rare)) < 0.9947 < high < 1


def test_of_even_classes_a_few_wrong_rows_are_as_few_as_of_a_share() -> None:
    """The high end is as far from 1 as what the Poisson count of two allows, .355 rows of 100."""
    unbiased = MACRO_F1.total(of_two((49, 50), (49, 50))) - bias_of_macro_f1(np.array([49.0, 50, 50] * 2))
    _, high = of(MACRO_F1, of_two((49, 50), (49, 50)))
    assert 1 - high == pytest.approx((1 - unbiased) * stats.chi2.ppf(0.05, 4) / 2 / 2)


def test_one_dear_wrong_row_is_few_though_cheap_ones_are_wrong_too() -> None:
    """Ten of two large classes are taken for each other, and one of the three rows of a small one for the first:
    what is lost has the variance of 2.3 such rows and not of eleven."""
    sums_S = np.array([95.0, 101, 100, 95, 100, 100, 2, 2, 3])  # of each class: right, said, there are
    lost_C, wrong_C = np.array([11 / 201, 10 / 200, 1 / 5]), np.array([11, 10, 1])
    rows = lost_C.sum() ** 2 / (lost_C**2 / wrong_C).sum()
    unbiased = 1 - lost_C.mean() - bias_of_macro_f1(sums_S)
    high = ends_of_macro_f1(sums_S, 0.0, 0.975)[1]
    assert 1 - high == pytest.approx((1 - unbiased) * stats.chi2.ppf(0.05, 2 * rows) / 2 / rows)


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "rows"), [([9, 1], 50), ([1, 1], 100)])
def test_the_interval_of_a_macro_f1_near_1_holds_the_truth(weight: list[int], rows: int) -> None:
    """Before in 92 and 90 %."""
    world, generator = worlds.classes(weight, [0.99], 3), np.random.default_rng(5)
    table, truth = world.tables["equal"], world.truth("equal")
    drawn = (of(MACRO_F1, table[generator.integers(0, worlds.SIZE, rows)]) for _ in range(300))
    assert np.mean([low <= truth <= high for low, high in drawn]) >= 0.955


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "rows"), [([9, 1], 50), ([49, 1], 50), ([49, 1], 100)])
def test_the_interval_of_a_macro_f1_with_a_rare_class_holds_the_truth(weight: list[int], rows: int) -> None:
    """Before in 81, 29 and 50 %."""
    world, generator = worlds.classes(weight, [0.8], 3), np.random.default_rng(5)
    table, truth = world.tables["equal"], world.truth("equal")
    drawn = (of(MACRO_F1, table[generator.integers(0, worlds.SIZE, rows)]) for _ in range(150))
    assert np.mean([low <= truth <= high for low, high in drawn]) >= 0.93


def test_a_class_without_a_row_may_hide_any_loss() -> None:
    """The bound of equal answers is as far off as a loss of the class that no row shows."""
    hidden, seen = of_two((46, 50), (0, 0)), of_two((42, 46), (4, 4))
    bounds = [
        difference(one, one, worth_of(MACRO_F1, table, table, Units(50))).low(0.95)
        for table in (hidden, seen)
        for one in [sample(MACRO_F1, table, Units(50))]
    ]
    assert bounds[0] < -0.5 < bounds[1]
