"""Releases of five heads: how often is one rejected whose heads are all as good as the champion's, and how
often is a head caught that has lost twice its margin?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from rich.table import Table

from benchmarks import worlds
from benchmarks.calibration.shares import Share, cell, goal
from benchmarks.calibration.test_sets import Measured, evidence, verdict
from benchmarks.goals import Goal
from benchmarks.worlds import World

ROWS = {
    200: 1.0,
    700: 1.0,
    2000: 0.5,
    10_000: 0.2,
    50_000: 0.08,
}  # and the part of the test sets that are drawn
PROMISED = 700  # rows; from so many on a loss must be caught
MOST_PAIRS = 10_000  # of them, documents have so many pairs that a table of a population ends
LOSS = 2.0  # of the margin
HEADS = ("accuracy .8", "macro-F1 of 50", "entity F1", "Pearson over pairs", "ROUGE")
Found = Mapping[str, Mapping[str, Share]]  # what was asked -> head, or "release" -> how often


def measure(asked: tuple[int, int]) -> dict[str, dict[str, Share]]:
    """Of releases with so many rows a head, and so many releases."""
    rows, sets = asked
    generator = np.random.default_rng(rows)
    known = {name: worlds.made(name) for name in HEADS}
    lossy = {name: world.with_loss(LOSS * world.margin, 9) for name, world in known.items()}
    equal, caught = [], []
    for _ in range(sets):
        level = {name: _measured(world, rows, "equal", generator) for name, world in known.items()}
        worse = {name: _measured(world, rows, "worse", generator) for name, world in lossy.items()}
        equal.append(verdict(level))
        caught.append({name: verdict({**level, name: worse[name]})[name] for name in HEADS})
    return {
        "false reject": _shares(equal, ("release", *HEADS), {"reject"}),
        "equal passes": _shares(equal, ("release", *HEADS), {"promote", "pass"}),
        "loss rejected": _shares(caught, HEADS, {"reject"}),
        "loss kept back": _shares(caught, HEADS, {"reject", "hold"}),
    }


def _measured(world: World, rows: int, who: str, generator: np.random.Generator) -> Measured:
    return evidence(world, min(rows, MOST_PAIRS) if world.groups else rows, who, generator)


def _shares(found: list[dict[str, str]], names: tuple[str, ...], outcomes: set[str]) -> dict[str, Share]:
    return {name: (sum(one[name] in outcomes for one in found) / len(found), len(found)) for name in names}


def goals(found: Mapping[int, Found]) -> Iterator[Goal]:
    """By the number of rows."""
    for rows, shares in found.items():
        reach = ">= 0.9" if rows >= PROMISED else None
        line = f"{rows} rows: two equal releases of five tasks end in REJECT"
        yield goal(line, shares["false reject"]["release"], "<= 0.05")
        for name in HEADS:
            line = f"{rows} rows: a loss of twice the margin of {name} is"
            yield goal(f"{line} kept back", shares["loss kept back"][name], reach)
            yield goal(f"{line} rejected", shares["loss rejected"][name], reach)
            yield goal(f"{rows} rows: an equal model passes by {name}", shares["equal passes"][name], None)


def tables(found: Mapping[int, Found]) -> Iterator[Table]:
    """One of each question."""
    for what, first in next(iter(found.values())).items():
        table = Table("of five tasks", *(f"{rows} rows" for rows in found), title=what)
        for name in first:
            table.add_row(name, *(cell(shares[what][name]) for shares in found.values()))
        yield table
