"""Intervals of correlations and of what is measured on scores, single rows and pairs of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from benchmarks import worlds
from benchmarks.calibration.test_sets import evidence
from components.evaluation.apart import gain
from components.evaluation.intervals import difference, interval, wilson, worth_of
from components.evaluation.units import Units, sample
from components.families.base import Metric
from components.families.regression.family import FAMILY as REGRESSION
from components.families.regression.metrics import power_sums
from components.families.shared.metrics import KAPPA, MCC, label_counts
from tests.evaluation.intervals.measured import PEARSON, R2, of, of_two

if TYPE_CHECKING:
    from components.families.base.metric import Table


def test_one_group_of_rows_tells_nothing_of_a_correlation() -> None:
    """All test rows are of one document: it is not known how far another one would be off."""
    x, unit = np.arange(40.0), Units.of([["a"]] * 40)
    gold, said, constant = ([{"score": value} for value in one] for one in (x, x + np.sin(x), 0 * x))
    model, trivial = (
        sample(PEARSON, PEARSON.statistics(gold, one, {"mean": 0.0}), unit) for one in (said, constant)
    )
    assert model.value > 0.9
    assert interval(PEARSON, model, 0.95) == [-1.0, 1.0]
    assert gain(PEARSON, model, trivial, 0.95)[0] < 0


def test_the_interval_of_a_correlation_is_fishers_where_both_sides_are_normal() -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=4000)
    y = x + generator.normal(size=4000)
    rows, said = [{"score": v} for v in x], [{"score": v} for v in y]
    expected = stats.pearsonr(x, y).confidence_interval(0.95)
    found = of(PEARSON, PEARSON.statistics(rows, said, {"mean": 0.0}))
    assert found == pytest.approx([expected.low, expected.high], abs=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [50, 100])
def test_the_interval_of_a_correlation_holds_that_of_a_model_which_fails_at_a_tenth_of_the_texts(
    rows: int,
) -> None:
    """By the rows that there are alone it holds it in 82 and 85 %."""
    world, generator = worlds.made("Pearson of models that fail"), np.random.default_rng(5)
    found = [evidence(world, rows, "equal", generator)[2] for _ in range(150)]
    truth = world.truth("equal")
    assert np.mean([low <= truth <= high for low, high in (one.interval for one in found)]) >= 0.92


def test_a_correlation_without_an_exception_is_no_certainty() -> None:
    """Of two classes of 25 rows: MCC is sqrt(r / (2 - r)) where one has the recall r, and both may have less."""
    labels = [(str(n % 2),) for n in range(50)]
    low, high = of(MCC, label_counts(labels, labels, ["0", "1"]))
    recall = wilson(1, 25, 1.959964)[0]
    assert [low, high] == pytest.approx([1 - np.sqrt(2) * (1 - np.sqrt(recall / (2 - recall))), 1])


def test_gold_scores_that_differ_by_rounding_have_no_r2() -> None:
    rows, facts = [{"score": 0.7}, {"score": 0.7000000000000001}], {"mean": 0.0}
    said = [{"score": 1.0}, {"score": 2.0}]
    n, x, _, xx, *_ = power_sums(rows, said, facts).sum(axis=0)
    assert xx - x * x / n > 0
    assert R2.measure(rows, said, facts) == 0


def pairs(documents: int, of_document: float, seed: int) -> tuple[Table, Table, Table, Units]:
    """Every pair of documents by two models whose errors are the documents' by such a part of their variance,
    and by one that says 0."""
    generator = np.random.default_rng(seed)
    first, second = np.triu_indices(documents, 1)
    gold = generator.normal(size=len(first))

    def said() -> np.ndarray:
        own = (1 - of_document) ** 0.5 * generator.normal(size=len(first))
        off = (of_document / 2) ** 0.5 * generator.normal(size=documents)
        return gold + 0.4 * (off[first] + off[second] + own)

    sides = (said(), said(), np.zeros(len(first)))
    rows = [{"score": one} for one in gold]
    one, other, nothing = (
        PEARSON.statistics(rows, [{"score": value} for value in side], {"mean": 0.0}) for side in sides
    )
    units = Units.of([[str(one), str(other)] for one, other in zip(first, second, strict=True)])
    return one, other, nothing, units


@pytest.mark.parametrize(("of_document", "fewest", "most"), [(0.0, 500, 780), (1.0, 30, 150)])
def test_of_pairs_as_many_rows_are_counted_as_have_the_variance_that_documents_tell(
    of_document: float, fewest: int, most: int
) -> None:
    """Of 780 pairs of 40 documents all where documents do not matter, and where nothing else does few. Their
    variance is that of the documents, and so are the degrees of freedom."""
    one, other, _, units = pairs(40, of_document, 2)
    left, right = (sample(PEARSON, table, units) for table in (one, other))
    found, influence_U = difference(left, right, 2.0), (left - right).influence
    assert fewest <= found.units <= most
    assert found.freedom == 39
    assert found.value == pytest.approx(left.value - right.value)
    if of_document:
        assert found.standard_error == pytest.approx(np.sqrt(np.mean(influence_U**2) / 39), rel=0.02)


@pytest.mark.parametrize("of_document", [0.0, 0.3])
def test_pairs_fail_one_by_one_and_what_few_show_is_worth_as_much_as_of_single_rows(
    of_document: float,
) -> None:
    """A loss d beyond what is seen has the variance d w / n of n rows that are worth w, whatever their groups."""
    one, other, nothing, units = pairs(40, of_document, 2)
    worth, alone = (worth_of(PEARSON, one, nothing, by) for by in (units, Units(780)))
    assert worth == alone
    found = difference(sample(PEARSON, one, units), sample(PEARSON, other, units), worth)
    assert found.unseen is not None and found.unseen > 1
    assert found.worth * found.unseen / found.units == pytest.approx(worth / 780, rel=0.02)


@pytest.mark.slow
def test_the_bound_over_pairs_of_few_documents_holds_a_model_that_fails_at_some_pairs() -> None:
    """Of 11 documents. By the pairs that there are alone it held in 82 %."""
    world, generator = worlds.made("Pearson over pairs").with_loss(0.08, 9), np.random.default_rng(5)
    apart = world.truth("worse") - world.truth("champion")
    found = [evidence(world, 50, "worse", generator)[2].champion for _ in range(150)]
    assert np.mean([one is not None and one.low is not None and one.low <= apart for one in found]) > 0.92


def test_the_lower_end_of_a_correlation_over_pairs_is_as_far_off_as_failing_pairs_allow() -> None:
    one, _, nothing, units = pairs(12, 0.5, 3)
    found = sample(PEARSON, one, units)
    (seen, high), (low, same) = (
        interval(PEARSON, found, 0.95, worth) for worth in (None, worth_of(PEARSON, one, nothing, units))
    )
    assert low < seen - 0.01
    assert high == same


@pytest.mark.parametrize("metric", [MCC, KAPPA])
def test_a_correlation_of_classes_is_not_sure_of_few_rows_that_are_all_right(metric: Metric) -> None:
    """The low end was that of a share of 50 rows, .86; Wilson's interval of 5 of 5 begins at .57."""
    low, high = of(metric, of_two((45, 45), (5, 5)))
    assert 0.5 < low < 0.65
    assert high == 1


@pytest.mark.parametrize("metric", [MCC, KAPPA])
@pytest.mark.parametrize("major", [(47, 47), (46, 47)])
def test_a_correlation_of_a_class_that_is_never_right_may_be_larger(metric: Metric, major: tuple) -> None:
    """Three rows of the rare class, all missed: a jackknife has no spread, and the high end was 0."""
    table = of_two(major, (0, 3))
    low, high = of(metric, table)
    assert -1 <= low <= metric.total(table) <= 0
    assert 0.5 < high < 1


@pytest.mark.slow
@pytest.mark.parametrize(("weight", "accuracy"), [([9, 1], [0.9, 0.4]), ([49, 1], [0.8])])
def test_the_interval_of_mcc_with_a_rare_class_holds_the_truth(weight: list, accuracy: list) -> None:
    """Of 50 rows. Before in 91 and 56 %."""
    world, generator = worlds.classes(weight, accuracy, 3), np.random.default_rng(5)
    table, truth = world.tables["equal"], MCC.total(world.tables["equal"])
    drawn = (of(MCC, table[generator.integers(0, worlds.SIZE, 50)]) for _ in range(300))
    assert np.mean([low <= truth <= high for low, high in drawn]) >= 0.935


@pytest.mark.parametrize("name", ["r2", "negative_rmse"])
def test_of_squared_errors_the_low_end_is_as_far_off_as_rows_allow_at_which_a_model_fails(name: str) -> None:
    """Of errors with tails 50 rows often show none of the large ones."""
    metric = next(one for one in REGRESSION.metrics if one.name == name)
    generator, facts, units = np.random.default_rng(2), {"mean": 0.0}, Units(50)
    gold = generator.standard_normal(50)
    rows, near, mean_N = (
        [{"score": float(one)} for one in side]
        for side in (gold, gold + 0.3 * generator.standard_normal(50), np.full(50, gold.mean()))
    )
    model, trivial = (metric.statistics(rows, side, facts) for side in (near, mean_N))
    (seen, high), (low, same) = (
        interval(metric, sample(metric, model, units), 0.95, worth)
        for worth in (None, worth_of(metric, model, trivial, units))
    )
    assert low < seen - 0.01
    assert high == same
