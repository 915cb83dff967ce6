"""Two seeds of one configuration, whose true accuracies differ by a little in each task: how often does the
gate reject, and how often would a rule that rejects every significant loss?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from rich.table import Table
from scipy import stats

from benchmarks.calibration.shares import Share, cell, goal
from benchmarks.calibration.test_sets import CONFIDENCE, counted, verdict
from benchmarks.goals import Goal
from components.evaluation.difference import Difference
from components.holm import holm

ROWS = (200, 700, 2000, 10_000, 50_000)
SPREAD, DISCORDANT = 0.003, 0.05  # standard deviation of the true differences; rows answered differently
TASKS, MARGIN = 6, 0.03


def measure(sets: int) -> dict[int, dict[str, Share]]:
    """By the number of rows a task."""
    return {rows: _of(rows, sets, np.random.default_rng(rows)) for rows in ROWS}


def _of(rows: int, sets: int, generator: np.random.Generator) -> dict[str, Share]:
    outcomes, old = [], 0
    for _ in range(sets):
        counts = [drawn(rows, apart, generator) for apart in generator.normal(0, SPREAD, TASKS)]
        found = verdict({str(task): (rows, MARGIN, counted(one)) for task, one in enumerate(counts)})
        outcomes.append(found["release"])
        p_values = {
            task: float(stats.norm.cdf((one.won - one.lost) / max(one.won + one.lost, 1) ** 0.5))
            for task, one in enumerate(counts)
        }
        old += bool(holm(p_values, 1 - CONFIDENCE))
    reject, promote = (outcomes.count(one) / sets for one in ("reject", "promote"))
    return {"old": (old / sets, sets), "reject": (reject, sets), "promote": (promote, sets)}


def drawn(rows: int, apart: float, generator: np.random.Generator) -> Difference:
    """What two models win and lose of each other whose true accuracies are so far apart."""
    shares = np.clip([(DISCORDANT + apart) / 2, (DISCORDANT - apart) / 2, 1 - DISCORDANT], 0, 1)
    won, lost, _ = generator.multinomial(rows, shares / shares.sum())
    return Difference(won=float(won), lost=float(lost), units=rows, worth=1.0, freedom=None)


def goals(found: Mapping[int, Mapping[str, Share]]) -> Iterator[Goal]:
    """By the number of rows."""
    for rows, shares in found.items():
        line = f"{rows} rows a task: two seeds 0.3 points apart, six tasks"
        yield goal(f"{line}: REJECT", shares["reject"], "<= 0.05")
        yield goal(f"{line}: REJECT where every significant loss is one", shares["old"], None)
        yield goal(f"{line}: PROMOTE", shares["promote"], None)


def table(found: Mapping[int, Mapping[str, Share]]) -> Table:
    """One line for each number of rows."""
    names = ("rows a task", "every significant loss: REJECT", "REJECT", "PROMOTE")
    table = Table(*names, title="two seeds 0.3 points apart, six tasks")
    for rows, shares in found.items():
        table.add_row(f"{rows}", *(cell(shares[name]) for name in ("old", "reject", "promote")))
    return table
