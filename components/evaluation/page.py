"""reports/evaluation.html: the verdict and its evidence, for people. One file that opens offline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.data.mixture.records import PLAN, PlannedTask, PlanRecord
from components.evaluation.records import (
    EVALUATION,
    VERDICT,
    ClassScore,
    Evaluation,
    GateOutcome,
    HeadEvidence,
    MetricEvidence,
    Verdict,
)
from components.pages import charts, render
from components.training.run.records import TRAINING, ScheduledEvaluation, TrainingReport

TEMPLATE = Path(__file__).with_name("page.html.jinja")
CLASSES = 200  # that a page shows of a head
AUXILIARY = "An auxiliary task, which is there for the others' sake: it is not judged and not released"


@dataclass(frozen=True)
class ShownHead:
    """What the page shows of a head; of one that was not measured, the verdict alone."""

    name: str
    metric: str
    floor: float | None
    gate: GateOutcome | Literal["auxiliary"]
    why: str
    measured: HeadEvidence | None
    plan: PlannedTask | None  # its task's part, where it was measured

    @property
    def gated(self) -> MetricEvidence | None:
        """The gate's metric."""
        return self.measured.metrics.get(self.metric) if self.measured else None

    @property
    def shown_classes(self) -> list[ClassScore]:
        """Its classes, the rarest first, as many as a page can hold."""
        classes = self.measured.classes if self.measured else []
        return sorted(classes, key=lambda one: one.rows)[:CLASSES]

    @property
    def strip(self) -> charts.Strip | None:
        """This model and what it is compared with, by that metric."""
        return _strip(self.gated, self.floor) if self.gated else None


def write(root: Path) -> None:
    """Render the page from reports/{evaluation,verdict,training,plan}.json.

    Raises:
        UserError: a report is missing, torn, or of another version.
    """
    evaluation, verdict = Evaluation.read(root / EVALUATION), Verdict.read(root / VERDICT)
    training, plan = TrainingReport.read(root / TRAINING), PlanRecord.read(root / PLAN)
    heads = [*_judged(verdict, evaluation, plan), *_auxiliary(evaluation, plan)]
    render.write(
        root / "reports/evaluation.html",
        TEMPLATE,
        verdict=verdict,
        evaluation=evaluation,
        plan=plan,
        tasks=heads,
        kept_back=[head for head in heads if head.gate not in ("pass", "auxiliary")],
        metrics=training.metrics,
        curves=_curves(training.evaluations),
        last=training.evaluations[-1] if training.evaluations else None,
    )


def _judged(verdict: Verdict, evaluation: Evaluation, plan: PlanRecord) -> list[ShownHead]:
    """The heads that the gate has judged."""
    heads = []
    for name, judged in verdict.tasks.items():
        measured = evaluation.tasks.get(name)
        planned = plan.tasks[measured.task] if measured else None
        heads.append(ShownHead(name, judged.metric, judged.floor, judged.gate, judged.why, measured, planned))
    return heads


def _auxiliary(evaluation: Evaluation, plan: PlanRecord) -> list[ShownHead]:
    """The heads that are trained and measured, and not released."""
    return [
        ShownHead(name, next(iter(measured.metrics)), None, "auxiliary", AUXILIARY, measured, planned)
        for name, measured in evaluation.tasks.items()
        if (planned := plan.tasks[measured.task]).auxiliary
    ]


def _strip(metric: MetricEvidence, floor: float | None) -> charts.Strip:
    """This model, its champion and the baselines on one scale that holds 0 and 1, and the floor."""
    champion = metric.champion.value if metric.champion else None
    others = {"champion": champion, "TF-IDF linear": metric.linear, "trivial": metric.trivial}
    own = charts.Value("this model", metric.value, render.score(metric.value), metric.interval, own=True)
    rows = [
        charts.Value(name, value, render.score(value)) for name, value in others.items() if value is not None
    ]
    limits = [charts.Limit(f"floor {floor:.3f}", floor, "floor")] if floor is not None else []
    return charts.strip([own, *rows], limits, reach=(0.0, 1.0))


def _curves(evaluations: Sequence[ScheduledEvaluation]) -> charts.Lines | None:
    """Each head's validation score over the steps; one evaluation makes no curve."""
    if len(evaluations) < 2:
        return None
    heads = evaluations[-1].validation
    series = {head: [(entry.step, entry.validation[head]) for entry in evaluations] for head in heads}
    return charts.lines(series)
