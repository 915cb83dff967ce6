"""What is said of a head's verdict and evidence, in words and drawings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from components.data.mixture.records import PlannedTask
from components.evaluation.picture_records import ClassScore, Confusion, LengthBin
from components.evaluation.records import Finding, GateOutcome, HeadEvidence, MetricEvidence, RowsSince
from components.pages import charts, square
from components.pages.render import score

CLASSES = 200  # that a page shows of a head
NAMES = 20  # classes of a matrix that can be read
CONFUSIONS = 20  # shown by name, where there are more classes
OWN, CHAMPION, ANCHOR, LINEAR, TRIVIAL = "this model", "champion", "anchor", "linear", "trivial"


@dataclass(frozen=True)
class Matrix:
    """Confusions of a few classes: a row for what is right, a column for what was said."""

    names: Sequence[str]
    counts: Sequence[Sequence[int]]
    shares: Sequence[Sequence[float]]  # of the row


@dataclass(frozen=True)
class Mistake:
    """One class taken for another."""

    gold: str
    said: str
    count: int
    share: float  # of the gold class


@dataclass(frozen=True)
class ShownFinding:
    """What a further gate has measured, and what the verdict makes of it."""

    found: Finding
    outcome: GateOutcome | Literal["not judged"]
    why: str

    @classmethod
    def of(cls, found: Finding, outcome: GateOutcome) -> ShownFinding:
        """As it was judged: by its limit, and by the comparison with the champion."""
        if outcome == "pass" and found.limit is None and (found.champion is None or found.margin is None):
            return cls(found, "not judged", "")
        if outcome == found.outcome:
            return cls(found, outcome, found.why)
        lost = {"hold": f"a loss beyond the margin {found.margin} cannot be excluded"}
        return cls(found, outcome, lost.get(outcome, "lost significantly against the champion"))


@dataclass(frozen=True)
class ShownHead:
    """What is shown of a head; of one that was not measured, the verdict alone."""

    name: str
    metric: str
    floor: float | None
    margin: float | None
    gate: GateOutcome | Literal["auxiliary"]
    why: str
    warnings: Sequence[str]
    remarks: Sequence[str]
    measured: HeadEvidence | None
    plan: PlannedTask | None  # its task's part, where it was measured
    findings: Sequence[ShownFinding] = ()  # of further gates

    @property
    def gated(self) -> MetricEvidence | None:
        """The gate's metric."""
        return self.measured.metrics.get(self.metric) if self.measured else None

    @property
    def since(self) -> RowsSince | None:
        """What has become of its test rows since the champion's release, where that is known."""
        return self.gated.champion.since if self.gated and self.gated.champion else None

    @property
    def shown_classes(self) -> list[ClassScore]:
        """Its classes, the rarest first, as many as a page can hold."""
        classes = self.measured.classes if self.measured else []
        return sorted(classes, key=lambda one: one.rows)[:CLASSES]

    @cached_property
    def strip(self) -> charts.Strip | None:
        """This model and what it is compared with, by that metric."""
        return _strip(self.gated, self.floor) if self.gated else None

    @cached_property
    def bar(self) -> charts.Strip | None:
        """The same in one line, on a scale that is no wider than it must be."""
        return _strip(self.gated, self.floor, wide=False) if self.gated else None

    @cached_property
    def told(self) -> str:
        """The strip in words."""
        if self.gated is None:
            return "not measured"
        low, high = map(score, self.gated.interval)
        others = [f"{name} {score(value)}" for name, value in compared(self.gated).items()]
        floor = [] if self.floor is None else [f"floor {score(self.floor)}"]
        return ", ".join([f"{OWN} {score(self.gated.value)} ({low} to {high})", *others, *floor])

    @cached_property
    def matrix(self) -> Matrix | None:
        """Its confusions, where the classes are few enough to be read."""
        found = self.measured.confusions if self.measured else []
        names = [name for name, _ in _golds(found).most_common()]
        names += sorted({one.said for one in found} - set(names))
        if not 1 < len(names) <= NAMES:
            return None
        number = {(one.gold, one.said): one.count for one in found}
        counts = [[number.get((gold, said), 0) for said in names] for gold in names]
        shares = [[one / max(sum(row), 1) for one in row] for row in counts]
        return Matrix(names, counts, shares)

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """The largest confusions by name."""
        found = self.measured.confusions if self.measured else []
        golds = _golds(found)
        wrong = [one for one in found if one.gold != one.said][:CONFUSIONS]
        return [Mistake(one.gold, one.said, one.count, one.count / golds[one.gold]) for one in wrong]

    @cached_property
    def roc(self) -> square.Square | None:
        """True over false positives, where it tells classes apart."""
        curves = self.measured.curves if self.measured else []
        return square.curves({one.name: (score(one.area), one.roc) for one in curves}) if curves else None

    @cached_property
    def precision_recall(self) -> square.Square | None:
        """Precision over recall; likewise."""
        curves = self.measured.curves if self.measured else []
        drawn = {one.name: (score(one.precision), one.precision_recall) for one in curves}
        return square.curves(drawn) if curves else None

    @cached_property
    def reliability(self) -> square.Square | None:
        """How often answers of a probability are right; a point for each bin."""
        bins = self.measured.reliability if self.measured else []
        found = [(one.probability, one.right, float(one.answers), f"{one.answers:,} answers") for one in bins]
        return square.points(found) if found else None

    @cached_property
    def lengths(self) -> charts.Strip | None:
        """Its metric from the shortest rows to the longest."""
        bins = self.measured.lengths if self.measured else []
        values = [_of_length(one) for one in bins]
        return charts.strip(values) if values else None

    @property
    def told_lengths(self) -> str:
        """The same in words."""
        rows = self.lengths.rows if self.lengths else []
        return "; ".join(f"{row.label} characters: {row.text} rows" for row in rows)


def _of_length(one: LengthBin) -> charts.Value:
    told = f"{score(one.value)} · {one.rows:,}"
    return charts.Value(f"{one.shortest:,} to {one.longest:,}", one.value, told, one.interval, own=True)


def _golds(found: Sequence[Confusion]) -> Counter[str]:
    """How often each class is right."""
    golds: Counter[str] = Counter()
    for one in found:
        golds[one.gold] += one.count
    return golds


def compared(metric: MetricEvidence) -> dict[str, float]:
    """What the model is compared with -> its value."""
    champion, anchor = (found.value if found else None for found in (metric.champion, metric.anchor))
    found = {CHAMPION: champion, ANCHOR: anchor, LINEAR: metric.linear, TRIVIAL: metric.trivial}
    return {name: value for name, value in found.items() if value is not None}


def _strip(metric: MetricEvidence, floor: float | None, wide: bool = True) -> charts.Strip:
    """This model and the others on one scale, and the floor; a wide one holds 0 and the best value."""
    own = charts.Value(OWN, metric.value, score(metric.value), metric.interval, own=True)
    rows = [charts.Value(name, value, score(value)) for name, value in compared(metric).items()]
    limits = [charts.Limit(f"floor {floor:.3f}", floor, "floor")] if floor is not None else []
    best = 1.0 if max(metric.value, metric.trivial, metric.linear) > 0 else 0.0
    return charts.strip([own, *rows], limits, reach=(0.0, best) if wide else ())
