"""The metrics whose intervals are asked, and what is measured with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.evaluation.intervals import interval
from components.evaluation.units import Units, sample
from components.families.base import Metric
from components.families.regression.family import FAMILY as REGRESSION
from components.families.shared.metrics import accuracy, label_counts, mean

if TYPE_CHECKING:
    from components.families.base.metric import Table


SHARE = accuracy("label")
PEARSON, R2 = REGRESSION.metrics[:2]
ERROR = Metric("negative_mae", SHARE.statistics, mean, better="lower")


def of(metric: Metric, table: Table) -> list[float]:
    return interval(metric, sample(metric, table, Units(table.shape[0])), 0.95)


def of_two(major: tuple[int, int], rare: tuple[int, int]) -> Table:
    """So many right of so many rows of a frequent class, and of a rare one; the others are taken for each other."""
    gold = ["a"] * major[1] + ["b"] * rare[1]
    said = ["a" if n < major[0] else "b" for n in range(major[1])]
    said += ["b" if n < rare[0] else "a" for n in range(rare[1])]
    return label_counts([(one,) for one in gold], [(one,) for one in said], ["a", "b"])
