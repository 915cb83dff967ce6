"""Does each end of a sum of absolute values, and of a gap between groups, miss as often as it may? In these
worlds chance adds least: an end that holds in more of them than it says is too far off everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from benchmarks.calibration.shares import Share, cell, goal
from benchmarks.calibration.test_sets import CONFIDENCE
from benchmarks.goals import Goal
from components.evaluation.gates.fairness import ends_of_gap
from components.evaluation.gates.measure import Score
from components.evaluation.units import Units, sample
from components.families.shared.absolute import ends_of_sum
from components.families.shared.metrics import accuracy

LEVEL = (1 + CONFIDENCE) / 2  # of one end
LEAST, MOST = LEVEL - 0.01, LEVEL + 0.01  # half as far as both ends together may be off
AGAIN = 4  # times the test sets of others: one end alone misses seldom
ACCURACY = accuracy("label")
BINS, SPREAD = 10, 5.0  # of a sum, and of each of its parts
Found = Mapping[str, Share]


@dataclass(frozen=True)
class Asked:
    """A truth, of which one end is asked; draw -> (low end, high end)."""

    truth: float
    end: str
    draw: Callable[[np.random.Generator], tuple[float, float]]

    def holds(self, generator: np.random.Generator) -> bool:
        """In a test set."""
        low, high = self.draw(generator)
        return low <= self.truth if self.end == "low" else self.truth <= high


def _sum(end: str, true_B: np.ndarray) -> Asked:
    """Of bins that are off by so many spreads."""
    true_B = SPREAD * true_B

    def draw(generator: np.random.Generator) -> tuple[float, float]:
        return ends_of_sum(generator.normal(true_B, SPREAD), np.full(len(true_B), SPREAD), LEVEL)

    return Asked(float(np.abs(true_B).sum()), end, draw)


def _gap(end: str, rows: int, wrong: tuple[float, ...]) -> Asked:
    """Of groups of so many rows that are wrong so often."""

    def draw(generator: np.random.Generator) -> tuple[float, float]:
        right = generator.random((len(wrong), rows)) > np.array(wrong)[:, None]
        low, high = ends_of_gap([_share(of_group) for of_group in right], CONFIDENCE)
        return -high, -low

    return Asked(max(wrong) - min(wrong), end, draw)


def _share(right_N: np.ndarray) -> Score:
    """Of a group's rows."""
    table = np.stack([right_N, np.ones(len(right_N))], axis=1).astype(float)
    return Score(sample(ACCURACY, table, Units(len(right_N))), ACCURACY, table)


ASKED = {
    **{
        f"high end of ten bins, all off by {off} spreads": _sum("high", np.full(BINS, off))
        for off in (1.0, 1.5, 2.0, 5.0)
    },
    "low end of ten bins, one off by ten spreads": _sum("low", 10 * np.eye(BINS)[0]),
    "low end of a gap of three groups, far apart": _gap("low", 2000, (0.1, 0.2, 0.3)),
    "low end of a gap of three groups, two alike": _gap("low", 2000, (0.1, 0.1, 0.3)),
    "low end of a gap of five groups, three between": _gap("low", 2000, (0.1, 0.2, 0.2, 0.2, 0.4)),
    "high end of a gap of three groups, far apart": _gap("high", 2000, (0.1, 0.2, 0.3)),
}


def measure(one: tuple[str, int]) -> Share:
    """Of a question: its name, and how many test sets."""
    name, sets = one
    generator = np.random.default_rng(sets)
    return float(np.mean([ASKED[name].holds(generator) for _ in range(sets)])), sets


def goals(found: Found) -> Iterator[Goal]:
    """From both sides."""
    for name, share in found.items():
        yield goal(f"{name}, held", share, f">= {LEAST:.3f}")
        yield goal(f"{name}, held, most", share, f"<= {MOST:.3f}")


def table(found: Found) -> Table:
    """One line a question."""
    made = Table("end", "held", title=f"single ends, which should hold in {100 * LEVEL:.1f} %")
    for name, share in found.items():
        made.add_row(name, cell(share))
    return made
