"""The comparisons that lie ahead of a model that is exactly as good as the champion, in one head.

The last evaluation has made them once: with the champion of then, with the anchor, and by further gates. If
its model was released since, that is the champion now, and stands to its anchor as the candidate did.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from components.evaluation import paired
from components.evaluation.case import ANCHOR, CHAMPION
from components.evaluation.difference import Difference
from components.evaluation.equal import Ahead
from components.evaluation.judging import anchor_level
from components.evaluation.records import (
    Comparison,
    Evaluation,
    HeadEvidence,
    MetricEvidence,
    Verdict,
)
from components.settings.project import Evaluation as Settings
from components.settings.project import Gate

APART = 0.1  # of the answers of two equally good trainings, usually
# of the error of a value, that of a difference: at an accuracy of .85, and so many answers apart
OF_VALUE = math.sqrt(APART / (0.85 * 0.15))
Source = Literal["comparison", "interval", "nothing"]


@dataclass(frozen=True)
class Known:
    """What the last evaluation says of a head, and what has become of its model."""

    settings: Settings
    gate: Gate
    head: str
    rows: int  # of today's test, at least one
    last: Evaluation | None  # none before the first
    verdict: Verdict | None  # on that model, if it was released; else none

    @property
    def measured(self) -> HeadEvidence | None:
        return self.last.tasks.get(self.head) if self.last else None

    @property
    def evidence(self) -> MetricEvidence | None:
        """The gate's metric."""
        return self.measured.metrics.get(self.gate.metric) if self.measured else None

    def all(self) -> tuple[list[Ahead], Source]:
        """The comparisons, the champion's first, and what that is known from."""
        champion, source = self._champion()
        return [champion, *self._anchor(), *self._further()], source

    def _champion(self) -> tuple[Ahead, Source]:
        assumed: tuple[Difference, Source] = of_error(math.sqrt(APART / self.rows), self.rows), "nothing"
        known, source = self._last() or assumed
        ahead = Ahead(CHAMPION, self.gate.margin, self.settings.confidence, known)
        return ahead.on(self.rows / known.units), source

    def _last(self) -> tuple[Difference, Source] | None:
        """The last comparison with a champion; one in which no row differs is of a model with itself."""
        if self.last is None or self.measured is None or self.evidence is None:
            return None
        if self.evidence.champion:
            known = self._of(self.evidence.champion)
            return (known, "comparison") if known.won + known.lost else None
        error = OF_VALUE * paired.error_of(self.evidence.interval, self.last.confidence)
        return (of_error(error, self.measured.rows["test"]), "interval") if error else None

    def _anchor(self) -> Iterator[Ahead]:
        """Where it is a release of its own."""
        other, above = self._against_anchor()
        if other is not None:
            margins = self.gate.anchor_margin or self.settings.anchor_margin
            level = anchor_level(self.settings.confidence)
            yield self._scaled(Ahead(ANCHOR, margins * self.gate.margin, level, self._of(other), above))

    def _against_anchor(self) -> tuple[Comparison | None, float]:
        """The last comparison with today's anchor, and how far the champion of today is above that."""
        if self.last is None or self.evidence is None or self.evidence.champion is None:
            return None, 0.0
        champion, old = self.evidence.champion, self.last.anchors.get(self.head)
        if self.verdict is None:  # the champion is that of then, and so is the anchor
            other, known = self.evidence.anchor, self.last.champion
            if other is None or old is None or known is None or old.identity == known.identity:
                return None, 0.0
            return other, other.difference - champion.difference
        today = self.verdict.anchors.get(self.head)
        if today is None:  # the champion itself
            return None, 0.0
        other = self.evidence.anchor if old and today == old.identity else champion
        return other, other.difference if other else 0.0

    def _further(self) -> Iterator[Ahead]:
        for finding in self.measured.findings if self.measured else []:
            if finding.champion and finding.margin is not None and finding.gate in self.settings.gates:
                name = f"{finding.gate}, {finding.what}"
                known = self._of(finding.champion)
                yield self._scaled(Ahead(name, finding.margin, self.settings.confidence, known))

    def _scaled(self, ahead: Ahead) -> Ahead:
        """From the test rows of then to those of today."""
        then = self.measured.rows["test"] if self.measured else self.rows
        return ahead.on(self.rows / max(1, then))

    def _of(self, other: Comparison) -> Difference:
        if other.counted is not None:
            return other.counted
        confidence = self.last.confidence if self.last else self.settings.confidence
        rows = other.rows or (self.measured.rows["test"] if self.measured else self.rows)
        return of_error(paired.standard_error(other, confidence), rows)


def of_error(error: float, rows: int) -> Difference:
    """Of two equally good models whose difference has this standard error on so many rows."""
    worth = max(1.0, error * math.sqrt(rows))
    differ = (error * rows / worth) ** 2
    return Difference(won=differ / 2, lost=differ / 2, units=rows, worth=worth, freedom=None)
