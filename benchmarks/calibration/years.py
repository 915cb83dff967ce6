"""Years of 24 retrains that are each truly as good as the champion of their day, or worse by a little: how
much is lost in all? One task, through the gate, with anchors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from rich.table import Table
from scipy.stats import norm

from benchmarks.calibration.shares import cell, goal
from benchmarks.calibration.test_sets import CONFIDENCE, DEFAULTS, counted
from benchmarks.goals import Goal
from components.evaluation import gate
from components.evaluation.difference import Difference
from components.evaluation.records import (
    AnchorEvidence,
    Champion,
    ChampionEvidence,
    Evaluation,
    GateRule,
    HeadEvidence,
    ModelId,
    Rules,
)

EACH = (0.0, 0.002, 0.005)  # that each retrain is worse
ROWS, RETRAINS, MARGIN, START = 2000, 24, 0.03, 0.85
NOISE = 0.39  # between trainings: one row in ten is answered otherwise by an equal model
TOO_MUCH = 0.04


@dataclass(frozen=True)
class Model:
    """A release, or one that would be."""

    name: str
    accuracy: float  # the true one
    right_N: np.ndarray  # of bool: on the test rows


@dataclass(frozen=True)
class Years:
    """What was lost in each of many years, and how many of its retrains were released."""

    lost_Y: np.ndarray
    released_Y: np.ndarray


def measure(asked: tuple[float, int]) -> Years:
    """So much worse each, and so many years."""
    each, years = asked
    generator = np.random.default_rng(7)
    found = np.array([year(each, generator) for _ in range(years)])
    return Years(*found.T)


def year(
    each: float, generator: np.random.Generator, anchor_margin: float = DEFAULTS.anchor_margin
) -> tuple[float, int]:
    """What is lost in a year, and how many of its retrains are released."""
    ease_N = generator.normal(size=ROWS)
    champion = anchor = Model("v0", START, _right(ease_N, START, generator))
    rule = GateRule(metric="m", floor=0.0, margin=MARGIN)
    rules = Rules(gates={"t": rule}, shown_loss=DEFAULTS.shown_loss, anchor_margin=anchor_margin)
    released = 0
    for number in range(1, RETRAINS + 1):
        accuracy = champion.accuracy - each
        candidate = Model(f"v{number}", accuracy, _right(ease_N, accuracy, generator))
        found = gate.verdict(_evidence(candidate, champion, anchor), rules)
        if found.verdict == "PROMOTE":
            kept = {one.name: one for one in (champion, anchor)}
            to = found.anchors["t"]
            anchor = kept[to.release] if to else candidate
            champion, released = candidate, released + 1
    return START - champion.accuracy, released


def _right(ease_N: np.ndarray, accuracy: float, generator: np.random.Generator) -> np.ndarray:
    """right_N: a model of this true accuracy on rows of this ease."""
    cut = norm.ppf(1 - accuracy) * np.sqrt(1 + NOISE**2)
    return np.asarray(ease_N + NOISE * generator.normal(size=len(ease_N)) > cut)


def _evidence(candidate: Model, champion: Model, anchor: Model) -> Evaluation:
    known, kept = (
        Champion(release=one.name, model=one.name, manifest=one.name) for one in (champion, anchor)
    )
    of_champion, of_anchor = (counted(_difference(candidate, one)) for one in (champion, anchor))
    measured = of_champion.model_copy(update={"anchor": of_anchor.champion})
    head = HeadEvidence(
        task="t", family="", rows={"test": ROWS}, metrics={"m": measured}, share=1.0, classes=[]
    )
    return Evaluation(
        model=ModelId(sha256=candidate.name),
        champion=ChampionEvidence(**known.model_dump(), heads=["t"], not_compared={}),
        confidence=CONFIDENCE,
        tasks={"t": head},
        anchors={"t": AnchorEvidence(**kept.model_dump())},
    )


def _difference(one: Model, other: Model) -> Difference:
    won, lost = ((a & ~b).sum() for a, b in ((one.right_N, other.right_N), (other.right_N, one.right_N)))
    return Difference(won=float(won), lost=float(lost), units=ROWS, worth=1.0, freedom=None)


def goals(found: Mapping[float, Years]) -> Iterator[Goal]:
    """By what each retrain is worse."""
    for each, years in found.items():
        line, count = f"a year of 24 retrains, each {100 * each:.1f} points worse", len(years.lost_Y)
        far = (float((years.lost_Y >= TOO_MUCH - 1e-9).mean()), count)
        yield goal(f"{line}: loses 4 points or more", far, "<= 0.01" if each else None)
        released = float(years.released_Y.mean()) / RETRAINS
        yield goal(f"{line}: a retrain is released", (released, count * RETRAINS), None if each else ">= 0.9")


def table(found: Mapping[float, Years]) -> Table:
    """One line for each."""
    names = ("points worse each", "lost: mean", "95 %", "99 %", "most", "4 or more", "released of 24")
    table = Table(*names, title="years of 24 retrains")
    for each, years in found.items():
        lost_Y = 100 * years.lost_Y
        spread = (lost_Y.mean(), *np.quantile(lost_Y, (0.95, 0.99)), lost_Y.max())
        far = cell((float((years.lost_Y >= TOO_MUCH - 1e-9).mean()), len(lost_Y)))
        released = f"{years.released_Y.mean():.1f}"
        table.add_row(f"{100 * each:.1f}", *(f"{one:.2f}" for one in spread), far, released)
    return table
