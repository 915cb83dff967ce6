"""Told before the money is spent: would a model exactly as good as the champion be promoted?

It must pass every comparison that lies ahead of it: with the champion, with its anchor, and by further gates.
Floors and limits are not asked, since a model that is as good as one that holds them holds them too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from components.data.contract.cards import task_card
from components.evaluation import paired
from components.evaluation.ahead import Known, Source
from components.evaluation.case import CHAMPION
from components.evaluation.equal import Ahead
from components.evaluation.records import EVALUATION, RELEASE, VERDICT, Evaluation, ReleaseReport, Verdict
from components.files import sha256
from components.settings.project import Gate, Project

ENOUGH = 0.8  # probability of a promotion; a task with less will often hold releases up for nothing
MOST = 1e4  # times the rows, or the margin: what needs more is out of reach
STEPS = 14  # of a bisection: the factor is right to a thousandth


@dataclass(frozen=True)
class Promise:
    """What the gate will make of an equally good model, in one task."""

    head: str
    gate: Gate
    rows: int  # of the test
    ahead: tuple[Ahead, ...]  # the champion's comparison first
    known_from: Source  # that one; from nothing it is assumed
    test_set: str  # SHA-256 of the rows

    @property
    def chance(self) -> float:
        """Of a promotion, at least: comparisons on the same rows are passed together more often than by
        chances of their own."""
        return self._chance(1, 1)

    @property
    def rows_for_enough(self) -> int | None:
        """Test rows with which it would be promoted often enough; None where no number would do."""
        factor = _least(lambda rows: self._chance(rows, 1) >= ENOUGH)
        return None if factor is None else math.ceil(factor * self.rows)

    @property
    def margin_for_enough(self) -> float | None:
        """Likewise: the margin, where those of further gates are as many times as wide."""
        factor = _least(lambda margins: self._chance(1, margins) >= ENOUGH)
        return None if factor is None else factor * self.gate.margin

    @property
    def hardest(self) -> str:
        """Whom the comparison is with that is passed least often."""
        return min(self.ahead, key=lambda one: one.chance).whom

    @property
    def warning(self) -> str | None:
        """A sentence where it would be promoted too seldom, with what would help."""
        if self.chance >= ENOUGH:
            return None
        held = "" if self.hardest == CHAMPION else f", held up most by {self.hardest}"
        return (
            f"{self.head}: a model as good as the champion would be promoted in {self.chance:.0%} of the "
            f"cases{held}; {self._what_would_help()}"
        )

    def _what_would_help(self) -> str:
        rows, margin = self.rows_for_enough, self.margin_for_enough
        found = []
        if rows is not None:
            found.append(f"with about {paired.two_digits(rows):,} test rows (there are {self.rows:,})")
        if margin is not None:
            found.append(f"with a margin of {margin + 0.0005:.3f} (it is {self.gate.margin:.3f})")
        return f"in {ENOUGH:.0%} {', or '.join(found)}" if found else "no number of test rows would help"

    def _chance(self, rows: float, margins: float) -> float:
        return math.prod(one.on(rows).within(margins).chance for one in self.ahead)


def promises(project: Project, root: Path) -> list[Promise]:
    """One of each head that has a gate, from data/ and the last evaluation.

    Raises:
        UserError: what the last run has written is torn or of another version.
    """
    return list(_promises(project, root))


def all_together(found: list[Promise]) -> float:
    """The chance that no task holds the release up, if they do so by chances of their own."""
    return math.prod(one.chance for one in found)


def _promises(project: Project, root: Path) -> Iterator[Promise]:
    last = Evaluation.read(root / EVALUATION) if (root / EVALUATION).is_file() else None
    verdict = _of_release(root, last)
    heads = project.heads()
    for head, gate in project.gates().items():
        folder = root / "data" / heads[head][0]
        if not folder.is_dir():  # a pipeline of somebody's own has its rows elsewhere
            continue
        rows = task_card(folder).heads[head].rows["test"]
        ahead, known_from = Known(project.evaluation, gate, head, max(1, rows), last, verdict).all()
        yield Promise(head, gate, rows, tuple(ahead), known_from, sha256(folder / "test.parquet"))


def _of_release(root: Path, last: Evaluation | None) -> Verdict | None:
    """The verdict on the last evaluation's model, if that was released."""
    if last is None or not (root / RELEASE).is_file() or not (root / VERDICT).is_file():
        return None
    verdict, model = Verdict.read(root / VERDICT), last.model.sha256
    return verdict if ReleaseReport.read(root / RELEASE).model == verdict.model.sha256 == model else None


def _least(enough: Callable[[float], bool]) -> float | None:
    """The least factor that is enough, if it needs to be above 1; None where there is none in reach."""
    if not enough(MOST):
        return None
    low, high = 0.0, math.log(MOST)
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(math.exp(middle)) else (middle, high)
    return math.exp(high)
