"""The bias of a macro F1: against simulated test sets, and against the jackknife where that sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.evaluation.units import Units, sample
from components.families.shared.metrics import MACRO_F1, label_counts
from components.families.shared.rare_classes import bias_of_macro_f1, ends_of_macro_f1

SIZE = 20_000


def population(classes: int, right: float, seed: int) -> Any:
    """Statistics of rows of which the first class is as frequent as the last, or up to 12 times as."""
    chance = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, classes + 1) ** 0.5
    gold, other = chance.choice(classes, (2, SIZE), p=frequency / frequency.sum())
    said = np.where(chance.random(SIZE) < right, gold, other)
    labels = [str(number) for number in range(classes)]
    return label_counts([(labels[n],) for n in gold], [(labels[n],) for n in said], labels)


@pytest.mark.slow_after(2)
@pytest.mark.parametrize(("classes", "right"), [(50, 0.8), (50, 0.6), (150, 0.8), (20, 0.9)])
@pytest.mark.parametrize("rows", [50, 200])
def test_it_is_what_test_sets_of_so_many_rows_are_off_by_in_the_mean(
    classes: int, right: float, rows: int
) -> None:
    table, chance = population(classes, right, 5), np.random.default_rng(rows)
    drawn = [table[chance.integers(0, SIZE, rows)] for _ in range(100)]
    off = np.array([MACRO_F1.total(one) - MACRO_F1.total(table) for one in drawn])
    told = np.array([bias_of_macro_f1(np.asarray(one.sum(axis=0))) for one in drawn])
    assert told.mean() == pytest.approx(off.mean(), abs=0.012 + 3 * off.std() / 10)


def test_with_many_rows_a_class_it_is_the_jackknifes() -> None:
    table = population(20, 0.8, 6)[:2000]
    measured = sample(MACRO_F1, table, Units(2000))
    assert bias_of_macro_f1(np.asarray(table.sum(axis=0))) == pytest.approx(measured.bias, abs=5e-4)


def test_a_label_set_that_no_row_holds_has_none_and_20_000_labels_take_no_time() -> None:
    assert bias_of_macro_f1(np.zeros(6)) == pytest.approx(0)
    counts = np.zeros((20_000, 3))
    counts[:300] = np.random.default_rng(1).integers(1, 40, (300, 1))
    assert -1 < bias_of_macro_f1(counts.reshape(-1)) < 0.01


def test_a_class_without_a_row_may_have_any_f1() -> None:
    """Of three it is a third of the mean; the other two are known."""
    low, high = ends_of_macro_f1(
        np.array([40_000.0, 50_000, 50_000, 40_000, 50_000, 50_000, 0, 0, 0]), 0, 0.975
    )
    assert high - low == pytest.approx(1 / 3, abs=0.005)
