"""How often does one of many things that are asked reject, or is said, by chance? A release whose slices are
all truly at their floor; a report on sharing whose tasks all gain nothing. And without a correction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from rich.table import Table

from benchmarks.calibration.shares import Share, cell, goal
from benchmarks.calibration.test_sets import CONFIDENCE, counted
from benchmarks.goals import Goal
from components.comparison.gains import gains
from components.evaluation import gate
from components.evaluation.difference import Difference
from components.evaluation.gates.measure import kept
from components.evaluation.intervals import score
from components.evaluation.records import Evaluation, Finding, GateRule, HeadEvidence, ModelId, Rules

SLICES, ROWS, FLOOR = 40, 300, 0.9
TASKS, SEEDS, NOISE = 20, 3, 0.01
LINES = {
    "slices": f"a release of {SLICES} slices, each truly at its floor, is rejected",
    "each slice": "the same, by each slice's own interval",
    "leave": f"of {TASKS} tasks that gain nothing one should leave, says a report on sharing",
    "each task": "the same, by each task's own interval",
}


def measure(sets: int) -> dict[str, Share]:
    """By question."""
    generator = np.random.default_rng(17)
    found = np.array([[*_slices(generator), *_sharing(generator)] for _ in range(sets)]).mean(axis=0)
    return {name: (float(share), sets) for name, share in zip(LINES, found, strict=True)}


def _slices(generator: np.random.Generator) -> tuple[bool, bool]:
    """Is it rejected, and would it be by each interval?"""
    findings = [_slice(number, right) for number, right in enumerate(generator.binomial(ROWS, FLOOR, SLICES))]
    nothing = Difference(won=0.0, lost=0.0, units=SLICES * ROWS, worth=1.0, freedom=None)
    head = HeadEvidence(
        task="t", family="", rows={"test": SLICES * ROWS}, metrics={"m": counted(nothing)}, share=1.0,
        classes=[], findings=findings,
    )  # fmt: skip
    evaluation = Evaluation(
        model=ModelId(sha256="a"), champion=None, confidence=CONFIDENCE, tasks={"t": head}
    )
    rules = Rules(
        gates={"t": GateRule(metric="m", floor=0.5, margin=0.03)}, shown_loss=1 / 3, anchor_margin=1.0
    )
    return gate.verdict(evaluation, rules).verdict == "REJECT", any(
        one.outcome == "reject" for one in findings
    )


def _slice(number: int, right: int) -> Finding:
    share = float(right) / ROWS
    interval = list(score(share, ROWS, (1 + CONFIDENCE) / 2, None))
    outcome, why = kept("accuracy", share, interval, FLOOR)
    return Finding(
        gate="slices", what=f"{number}", rows=ROWS, value=share, interval=interval, limit=FLOOR,
        outcome=outcome, why=why,
    )  # fmt: skip


def _sharing(generator: np.random.Generator) -> tuple[bool, bool]:
    heads = [f"t{number}" for number in range(TASKS)]
    joint, alone = (
        {head: generator.normal(0.5, NOISE, SEEDS).tolist() for head in heads} for _ in ("joint", "alone")
    )
    found = gains(joint, alone, dict.fromkeys(heads, "m"), CONFIDENCE).values()
    by_interval = any(one.interval is not None and one.interval[1] < 0 for one in found)
    return any(one.shown == "harms" for one in found), by_interval


def goals(found: Mapping[str, Share]) -> Iterator[Goal]:
    """One of each line."""
    for name, line in LINES.items():
        yield goal(line, found[name], None if name.startswith("each") else "<= 0.05")


def table(found: Mapping[str, Share]) -> Table:
    """One line each."""
    made = Table("by chance", "how often", title="one of many")
    for name, line in LINES.items():
        made.add_row(line, cell(found[name]))
    return made
