"""Told before the money is spent: would a model exactly as good as the champion be promoted?

Its difference to the champion is 0 and is measured with an error, so it is promoted where the bound of that
stays within the margin: with probability Phi(margin / error - z), z the normal quantile of the confidence.
The error is that of the last comparison, scaled to today's test rows; before there is one it is taken from
the interval of the last evaluation, and before there is that either it is assumed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.data.contract.cards import task_card
from components.evaluation import paired
from components.evaluation.records import EVALUATION, Evaluation
from components.files import sha256
from components.settings.project import Gate, Project

ENOUGH = 0.8  # probability of a promotion; a task with less will often hold releases up for nothing
APART = 0.1  # of the answers of two equally good trainings, usually
# of the error of a value, that of a difference: at an accuracy of .85, and so many answers apart
OF_VALUE = math.sqrt(APART / (0.85 * 0.15))
Source = Literal["comparison", "interval", "nothing"]
COMPARISON: Source = "comparison"
INTERVAL: Source = "interval"


@dataclass(frozen=True)
class Promise:
    """What the gate will make of an equally good model, in one task."""

    head: str
    gate: Gate
    rows: int  # of the test
    error: float  # of the difference to the champion, on so many rows
    confidence: float
    known_from: Source  # the error; from nothing it is assumed
    test_set: str  # SHA-256 of the rows

    @property
    def chance(self) -> float:
        """Of a promotion."""
        return paired.NORMAL.cdf(self.gate.margin / self.error - paired.quantile(self.confidence))

    @property
    def margin_for_enough(self) -> float:
        """With which it would be promoted often enough."""
        return (paired.quantile(self.confidence) + paired.quantile(ENOUGH)) * self.error

    @property
    def rows_for_enough(self) -> int:
        """Likewise: test rows."""
        return math.ceil(self.rows * (self.margin_for_enough / self.gate.margin) ** 2)

    @property
    def warning(self) -> str | None:
        """A sentence where it would be promoted too seldom, with what would help."""
        if self.chance >= ENOUGH:
            return None
        rows, margin = paired.two_digits(self.rows_for_enough), self.margin_for_enough + 0.0005
        return (
            f"{self.head}: a model as good as the champion would be promoted in {self.chance:.0%} of the "
            f"cases; in {ENOUGH:.0%} with about {rows:,} test rows (there are {self.rows:,}), or with a "
            f"margin of {margin:.3f} (it is {self.gate.margin:.3f})"
        )


def promises(project: Project, root: Path) -> list[Promise]:
    """One of each head that has a gate, from data/ and the last evaluation."""
    return list(_promises(project, root))


def all_together(found: list[Promise]) -> float:
    """The chance that no task holds the release up, if they do so by chances of their own."""
    return math.prod(one.chance for one in found)


def _promises(project: Project, root: Path) -> Iterator[Promise]:
    last = Evaluation.read(root / EVALUATION) if (root / EVALUATION).is_file() else None
    heads = project.heads()
    for head, gate in project.gates().items():
        folder = root / "data" / heads[head][0]
        if not folder.is_dir():  # a pipeline of somebody's own has its rows elsewhere
            continue
        rows = task_card(folder).heads[head].rows["test"]
        error, known_from = _error(last, head, gate.metric, rows)
        yield Promise(
            head=head,
            gate=gate,
            rows=rows,
            error=error,
            confidence=project.evaluation.confidence,
            known_from=known_from,
            test_set=sha256(folder / "test.parquet"),
        )


def _error(last: Evaluation | None, head: str, metric: str, rows: int) -> tuple[float, Source]:
    """The error of a comparison on so many rows, and what it is known from."""
    measured = last.tasks.get(head) if last else None
    evidence = measured.metrics.get(metric) if measured else None
    if last is None or measured is None or evidence is None or not rows:
        return math.sqrt(APART / max(1, rows)), "nothing"
    if evidence.champion:
        compared = evidence.champion.rows or measured.rows["test"]
        error, source = paired.standard_error(evidence.champion, last.confidence), COMPARISON
    else:
        compared = measured.rows["test"]
        error, source = OF_VALUE * paired.error_of(evidence.interval, last.confidence), INTERVAL
    return (error * math.sqrt(compared / rows), source) if error else (math.sqrt(APART / rows), "nothing")
