"""What is said of verdict and evidence, in words and drawings: the page and the Markdown show the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from components import advice
from components.data.mixture.records import PLAN, PlannedTask, PlanRecord
from components.evaluation import gate
from components.evaluation.judging import Reason
from components.evaluation.records import (
    EVALUATION,
    VERDICT,
    ClassScore,
    Confusion,
    Evaluation,
    Finding,
    GateOutcome,
    HeadEvidence,
    Interval,
    KeptBack,
    LengthBin,
    MetricEvidence,
    RowsSince,
    TaskVerdict,
    Verdict,
    kept_back,
)
from components.pages import charts, square
from components.pages.render import count, score
from components.training.run import curve
from components.training.run.records import TRAINING, ScheduledEvaluation, TrainingReport

CLASSES = 200  # that a page shows of a head
NAMES = 20  # classes of a matrix that can be read
CONFUSIONS = 20  # shown by name, where there are more classes
FEW = 8  # heads whose drawings stand open
AUXILIARY = "An auxiliary task, which is there for the others' sake: it is not judged and not released"
OWN, CHAMPION, ANCHOR, LINEAR, TRIVIAL = "this model", "champion", "anchor", "linear", "trivial"
SHAPES = {CHAMPION: "diamond", ANCHOR: "square", LINEAR: "triangle", TRIVIAL: "cross"}
Step = tuple[str | None, str]  # a command, and what it is for


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
        others = [f"{name} {score(value)}" for name, value in _others(self.gated).items()]
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


@dataclass(frozen=True)
class Shared:
    """What the heads gain by sharing an encoder, where that was measured."""

    sentence: str
    gains: Mapping[str, tuple[float, Interval | None]]  # by head: in its metric's units, and the interval
    of_this_model: bool  # was it measured with the data and settings that this model has learnt from?


@dataclass(frozen=True)
class Report:
    """Verdict, evidence, and what they were made from."""

    verdict: Verdict
    evaluation: Evaluation
    plan: PlanRecord
    training: TrainingReport

    @classmethod
    def read(cls, root: Path) -> Report:
        """From reports/{evaluation,verdict,plan,training}.json.

        Raises:
            UserError: a report is missing, torn, or of another version.
        """
        return cls(
            Verdict.read(root / VERDICT),
            Evaluation.read(root / EVALUATION),
            PlanRecord.read(root / PLAN),
            TrainingReport.read(root / TRAINING),
        )

    @cached_property
    def heads(self) -> list[ShownHead]:
        """Those that the gate has judged, then those that are there for the others' sake."""
        return [self._judged(name, task) for name, task in self.verdict.tasks.items()] + [
            ShownHead(
                name, next(iter(found.metrics)), None, None, "auxiliary", AUXILIARY, [], [], found, plan
            )
            for name, found in self.evaluation.tasks.items()
            if (plan := self.plan.tasks[found.task]).auxiliary
        ]

    def _judged(self, name: str, task: TaskVerdict) -> ShownHead:
        measured = self.evaluation.tasks.get(name)
        plan = self.plan.tasks[measured.task] if measured else None
        rule = (task.metric, task.floor, task.margin, task.gate, task.why, task.warnings, task.remarks)
        found = measured.findings if measured else []
        judged = [outcome for outcome, _ in self._findings.get(name, [])] or [one.outcome for one in found]
        return ShownHead(name, *rule, measured, plan, [*map(ShownFinding.of, found, judged)])

    @cached_property
    def _findings(self) -> Mapping[str, Sequence[Reason]]:
        """What the verdict makes of each head's findings; nothing where it does not name its rules."""
        return gate.findings(self.evaluation, self.verdict.rules) if self.verdict.rules else {}

    @property
    def of_model(self) -> list[ShownFinding]:
        """What further gates have found of the model as a whole."""
        return [ShownFinding.of(found, found.outcome) for found in self.evaluation.findings]

    @property
    def measured(self) -> list[ShownHead]:
        """Those of the heads that were measured."""
        return [head for head in self.heads if head.measured]

    @property
    def warnings(self) -> list[tuple[str, str]]:
        """What is wrong though it may pass, by head."""
        return [(head.name, one) for head in self.heads for one in head.warnings]

    @cached_property
    def kept_back(self) -> list[KeptBack]:
        """Why it is not PROMOTE."""
        return kept_back(self.verdict, self.evaluation)

    @property
    def headline(self) -> str:
        """The verdict in a sentence."""
        if self.verdict.verdict == "PROMOTE":
            return f"{_all(len(self.verdict.tasks))}: the model may be released."
        faults = [one for one in self.kept_back if one.gate == "reject"]
        if faults:
            return f"The model is not good enough for {_what(faults)}: nothing is released."
        if self.verdict.withheld:
            return "The model is withheld, whatever was measured: nothing is released."
        return f"The evidence is not enough for {_what(self.kept_back)}: nothing is released."

    @property
    def next_steps(self) -> list[Step]:
        """What to do now."""
        if self.verdict.verdict == "PROMOTE":
            return [
                (None, "The run goes on by itself: the model is packaged, asked, and released"),
                ("onetrunk serve", "starts the released model"),
                ("onetrunk status", "says which release is the champion"),
            ]
        heads = [one.head for one in self.kept_back if one.head in self.evaluation.tasks]
        steps: list[Step] = [
            (f"onetrunk rows {advice.word(str(head))} --wrong", "shows the test rows that it gets wrong")
            for head in heads[:1]
        ]
        steps.append(('onetrunk predict --candidate "..."', "asks this model, unreleased"))
        if self.verdict.verdict == "HOLD" and heads:
            steps.append(
                ("onetrunk check", "says which test sets are too small to decide, and what would help")
            )
        return [*steps, ("onetrunk run", "tries again, once data, settings or margins have changed")]

    @property
    def against(self) -> str:
        """Whom it was compared with."""
        champion = self.evaluation.champion
        if champion is None:
            return "a first release: there is no champion to compare with"
        return f"compared with the champion, release {champion.release}, on the same test rows"

    @property
    def curves(self) -> charts.Lines | None:
        """Each head's validation score over the steps; one evaluation makes no curve."""
        return _curves(self.training.evaluations)

    @property
    def ahead(self) -> str:
        """What twice the budget would bring."""
        evaluations = self.training.evaluations
        heads = evaluations[-1].validation if evaluations else ()
        return curve.sentence(self.training.ahead, heads, len(evaluations))

    @property
    def shapes(self) -> dict[str, str]:
        """What the overview's bars are compared with -> its mark."""
        found = {name for head in self.heads if head.gated for name in _others(head.gated)}
        return {name: shape for name, shape in SHAPES.items() if name in found}


def _all(tasks: int) -> str:
    return "The task holds what it must" if tasks == 1 else f"All {count(tasks, 'task')} hold what they must"


def _what(found: Sequence[KeptBack]) -> str:
    """What keeps the model back, for a sentence."""
    heads = [one for one in found if one.head is not None]
    tasks = [count(len(heads), "task")] if heads else []
    whole = [one.what for one in found if one.head is None][:1]
    return " and ".join([*tasks, *whole])


def _of_length(one: LengthBin) -> charts.Value:
    told = f"{score(one.value)} · {one.rows:,}"
    return charts.Value(f"{one.shortest:,} to {one.longest:,}", one.value, told, one.interval, own=True)


def _golds(found: Sequence[Confusion]) -> Counter[str]:
    """How often each class is right."""
    golds: Counter[str] = Counter()
    for one in found:
        golds[one.gold] += one.count
    return golds


def _others(metric: MetricEvidence) -> dict[str, float]:
    """What the model is compared with -> its value."""
    champion, anchor = (found.value if found else None for found in (metric.champion, metric.anchor))
    found = {CHAMPION: champion, ANCHOR: anchor, LINEAR: metric.linear, TRIVIAL: metric.trivial}
    return {name: value for name, value in found.items() if value is not None}


def _strip(metric: MetricEvidence, floor: float | None, wide: bool = True) -> charts.Strip:
    """This model and the others on one scale, and the floor; a wide one holds 0 and the best value."""
    own = charts.Value(OWN, metric.value, score(metric.value), metric.interval, own=True)
    rows = [charts.Value(name, value, score(value)) for name, value in _others(metric).items()]
    limits = [charts.Limit(f"floor {floor:.3f}", floor, "floor")] if floor is not None else []
    best = 1.0 if max(metric.value, metric.trivial, metric.linear) > 0 else 0.0
    return charts.strip([own, *rows], limits, reach=(0.0, best) if wide else ())


def _curves(evaluations: Sequence[ScheduledEvaluation]) -> charts.Lines | None:
    if len(evaluations) < 2:
        return None
    heads = evaluations[-1].validation
    series = {head: [(entry.step, entry.validation[head]) for entry in evaluations] for head in heads}
    return charts.lines(series)
