"""The tasks of a finished run: how often does an equal model pass, on their own test rows?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks import worlds
from benchmarks.calibration.coverage import decided
from benchmarks.calibration.shares import Share, cell, goal
from benchmarks.calibration.test_sets import CONFIDENCE, DEFAULTS, evidence, verdict
from benchmarks.goals import Goal
from benchmarks.worlds import World
from components import params
from components.evaluation import paired
from components.evaluation.judging import anchor_level
from components.evaluation.records import MetricEvidence
from components.settings.project import Gate

FEW = 200  # rows, at which the interval of the model's value is judged
Asked = tuple[Path, Path | None, str, Gate, int]  # the run, another training, the task, its gate, test sets


def tasks(root: Path, second: Path | None, sets: int) -> list[Asked]:
    """What there is to ask; nothing where there are no predictions."""
    if not (root / "predictions").is_dir():
        return []
    gates = params.load(root / "params.yaml").gates()
    return [
        (root, second, name, rule, sets) for name, rule in gates.items() if (root / "data" / name).is_dir()
    ]


def measure(asked: Asked) -> tuple[str, dict[str, Share]]:
    """The task, and how often an equal model passes its champion, or an anchor that is another release, and
    is rejected on its own number of test rows, and the interval of its model's value holds it on a few."""
    root, second, name, rule, sets = asked
    world, generator = worlds.real(root, name, rule, second), np.random.default_rng(4)
    rows, value = world.tables["trivial"].shape[0], world.truth("model")
    seen = [evidence(even, rows, "equal", generator) for even in _even(world, sets)]
    found = [verdict({name: one})[name] for one in seen]

    def held(count: int) -> np.ndarray:
        small = (evidence(world, FEW, "model", generator)[2].interval for _ in range(count))
        return np.array([sum(low <= value <= high for low, high in small) / count])

    (covered,), drawn = decided(held, sets, [1.0])
    shares = {what: (found.count(what) / sets, sets) for what in ("pass", "reject")}
    margin = (rule.anchor_margin or DEFAULTS.anchor_margin) * rule.margin
    shares["anchor"] = (sum(_above(one, -margin) for _, _, one in seen) / sets, sets)
    return name, {**shares, "covered": (float(covered), drawn)}


def _above(found: MetricEvidence, least: float) -> bool:
    """Is the bound above it that an anchor's has to be?"""
    assert found.champion is not None  # noqa: S101
    return paired.bound(found.champion, anchor_level(CONFIDENCE), CONFIDENCE) > least


def _even(world: World, sets: int) -> Iterator[World]:
    """The world in which neither model is better, for each test set. Of rows one is enough, of which sets are
    drawn. Of pairs documents would have to be drawn, and of sixteen that are drawn with replacement ten are
    distinct: the errors of their pairs, there up to four times, would spread 1.7 times as far as those of
    sixteen documents do. So all of them stay, and who answered which pair is drawn."""
    once = worlds.exchanged(world, 3)
    for number in range(sets):
        yield replace(worlds.exchanged(world, number), whole=True) if world.groups else once


def goals(own: Mapping[str, Mapping[str, Share]]) -> Iterator[Goal]:
    """By task."""
    for name, found in own.items():
        yield goal(f"an equal model passes {name}", found["pass"], ">= 0.8")
        yield goal(f"an equal model passes an anchor of {name}", found["anchor"], ">= 0.8")
        yield goal(f"an equal model is rejected by {name}", found["reject"], "<= 0.05")
        yield goal(f"coverage of {name} at {FEW} rows", found["covered"], ">= 0.93")


def table(own: Mapping[str, Mapping[str, Share]]) -> Table:
    """One line for each task."""
    names = ("task", "an equal model passes", "and an anchor", "is rejected", f"covered at {FEW} rows")
    found = Table(*names, title="the project's tasks")
    for name, shares in own.items():
        found.add_row(name, *(cell(shares[what]) for what in ("pass", "anchor", "reject", "covered")))
    return found
