"""What every interval promises, whatever the metric: to hold the value, to end with its scale, to hold the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.calibration import values
from components.evaluation.intervals import difference, interval, worth_of
from components.evaluation.units import Units, sample
from components.families.base import Metric
from components.families.shared.metrics import MACRO_F1, MCC, label_counts, mean
from components.families.tagging.metrics import ENTITY_F1
from tests.evaluation.intervals.measured import ERROR, PEARSON, R2, SHARE, of

if TYPE_CHECKING:
    from components.families.base.metric import Table


def test_the_interval_of_an_error_is_never_on_the_wrong_side_of_the_best() -> None:
    table = np.stack([np.random.default_rng(2).exponential(size=20), np.ones(20)], axis=1)
    low, high = of(ERROR, table)
    assert low < ERROR.total(table) < high < 0


def test_the_interval_holds_the_value_even_where_a_macro_mean_is_biased() -> None:
    generator = np.random.default_rng(4)
    for _ in range(50):
        gold = generator.integers(0, 50, 60)
        said = np.where(generator.random(60) < 0.8, gold, generator.integers(0, 50, 60))
        rows, answers = ([{"label": str(n)} for n in side] for side in (gold, said))
        table = MACRO_F1.statistics(rows, answers, {"labels": [str(n) for n in range(50)]})
        low, high = of(MACRO_F1, table)
        assert 0 <= low <= MACRO_F1.total(table) <= high <= 1


@pytest.mark.parametrize("rows", [1, 2, 5])
@pytest.mark.parametrize("metric", [SHARE, ENTITY_F1, PEARSON, R2, ERROR])
def test_very_few_rows_have_an_interval_too(metric: Metric, rows: int) -> None:
    width = {ENTITY_F1: 3, PEARSON: 7, R2: 7}.get(metric, 2)
    low, high = of(metric, np.ones((rows, width)))
    assert low <= metric.total(np.ones((rows, width))) <= high


@pytest.mark.slow
def test_a_mean_error_is_held_though_few_rows_show_where_the_model_fails() -> None:
    """At a tenth of the texts, of which 50 rows may hold one: 89.7 % were held before."""
    world = values.MAKERS["MAE of a model that fails"]()
    generator, truth = np.random.default_rng(50), world.truth("equal")
    drawn = [values._interval(world, 50, generator) for _ in range(400)]
    assert np.mean([low <= truth <= high for low, high in drawn]) >= 0.95


def test_an_interval_ends_where_its_scale_does() -> None:
    """Of four rows that are right, each without which a class is gone and the value 0."""
    labels = [("0",), ("1",), ("1",), ("1",)]
    low, high = of(MCC, label_counts(labels, labels, ["0", "1"]))
    assert (low, high) == (-1, 1)


def population(name: str, size: int, generator: np.random.Generator) -> tuple[Metric, Table, Table]:
    """Statistics of two models that differ on a part of the rows."""
    again = generator.random(size) < 0.4
    if name.startswith("accuracy"):
        p = float(name.split()[1])
        one, fresh = generator.random(size) < p, generator.random(size) < p
        sides = (one, np.where(again, fresh, one))
        return SHARE, *(np.stack([side, np.ones(size)], axis=1).astype(float) for side in sides)
    if name == "entity_f1":
        gold = generator.poisson(generator.gamma(1, 1, size))
        found = generator.binomial(gold, 0.85)
        said = found + generator.poisson(0.12 * gold)
        other = np.where(again, generator.binomial(gold, 0.85), found)
        extra = np.where(again, generator.poisson(0.12 * gold), said - found)
        sides = ((found, said, gold), (other, other + extra, gold))
        return ENTITY_F1, *(np.stack(side, axis=1).astype(float) for side in sides)
    quality = generator.beta(1.2, 2.5, size)  # rouge
    sides = tuple(np.clip(quality + generator.normal(0, 0.1, size), 0, 1) for _ in range(2))
    both = (sides[0], np.where(again, sides[1], sides[0]))
    return Metric("rouge", SHARE.statistics, mean), *(np.stack([s, np.ones(size)], axis=1) for s in both)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [50, 200])
def test_the_difference_to_a_model_that_fails_at_some_rows_is_held_as_often(rows: int) -> None:
    """Seven rows in a hundred are answered as by the trivial model: the dearest that a few rows do not show."""
    generator = np.random.default_rng(13)
    metric, one_NS, other_NS = population("entity_f1", 20_000, generator)
    nothing_NS = one_NS * [0.0, 0.0, 1.0]
    worse_NS = np.where(generator.random(20_000)[:, None] < 0.07, nothing_NS, other_NS)
    apart, held = metric.total(worse_NS) - metric.total(one_NS), 0
    for _ in range(600):
        some = generator.integers(0, 20_000, rows)
        champion, worse = (sample(metric, table[some], Units(rows)) for table in (one_NS, worse_NS))
        worth = worth_of(metric, worse_NS[some], nothing_NS[some], Units(rows))
        held += difference(worse, champion, worth).low(0.95) <= apart
    assert held / 600 > 0.91, held / 600


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy 0.8", "accuracy 0.95", "entity_f1", "rouge"])
@pytest.mark.parametrize("rows", [50, 200])
def test_intervals_hold_the_truth_as_often_as_they_say(name: str, rows: int) -> None:
    """600 test sets: of 95 % intervals, at least 93 % less what chance takes from so few."""
    generator = np.random.default_rng(7)
    metric, one_NS, other_NS = population(name, 20_000, generator)
    value, apart = metric.total(one_NS), metric.total(one_NS) - metric.total(other_NS)
    held = np.zeros(2)
    for _ in range(600):
        some = generator.integers(0, len(one_NS), rows)
        one, other = (sample(metric, table[some], Units(rows)) for table in (one_NS, other_NS))
        ends = interval(metric, one, 0.95), difference(one, other, worth=0.5).interval(0.95)
        held += [low <= truth <= high for (low, high), truth in zip(ends, (value, apart), strict=True)]
    assert (held / 600 > 0.915).all(), held / 600
