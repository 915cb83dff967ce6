"""What is said of verdict and evidence, in words and drawings: the page and the Markdown show the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from components import advice
from components.data.mixture.records import PLAN, PlanRecord
from components.evaluation import gate
from components.evaluation.difference import Interval
from components.evaluation.judging import Reason
from components.evaluation.records import (
    EVALUATION,
    VERDICT,
    Evaluation,
    KeptBack,
    TaskVerdict,
    Verdict,
    kept_back,
)
from components.evaluation.shown_head import (
    ANCHOR,
    CHAMPION,
    LINEAR,
    TRIVIAL,
    ShownFinding,
    ShownHead,
    compared,
)
from components.pages import charts
from components.pages.render import count, score
from components.training.run import curve
from components.training.run.records import TRAINING, ScheduledEvaluation, TrainingReport

FEW = 8  # heads whose drawings stand open
AUXILIARY = "An auxiliary task, which is there for the others' sake: it is not judged and not released"
SHAPES = {CHAMPION: "diamond", ANCHOR: "square", LINEAR: "triangle", TRIVIAL: "cross"}
Step = tuple[str | None, str]  # a command, and what it is for


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
    def told_curves(self) -> str:
        """The same in words: where each begins and where it ends."""
        first, *_, last = self.training.evaluations
        return "; ".join(
            f"{head} from {score(first.validation[head])} at step {first.step:,} to {score(value)} at step "
            f"{last.step:,}"
            for head, value in last.validation.items()
        )

    @property
    def ahead(self) -> str:
        """What twice the budget would bring."""
        evaluations = self.training.evaluations
        heads = evaluations[-1].validation if evaluations else ()
        return curve.sentence(self.training.ahead, heads, len(evaluations))

    @property
    def shapes(self) -> dict[str, str]:
        """What the overview's bars are compared with -> its mark."""
        found = {name for head in self.heads if head.gated for name in compared(head.gated)}
        return {name: shape for name, shape in SHAPES.items() if name in found}


def _all(tasks: int) -> str:
    return "The task holds what it must" if tasks == 1 else f"All {count(tasks, 'task')} hold what they must"


def _what(found: Sequence[KeptBack]) -> str:
    """What keeps the model back, for a sentence."""
    heads = [one for one in found if one.head is not None]
    tasks = [count(len(heads), "task")] if heads else []
    whole = [one.what for one in found if one.head is None][:1]
    return " and ".join([*tasks, *whole])


def _curves(evaluations: Sequence[ScheduledEvaluation]) -> charts.Lines | None:
    if len(evaluations) < 2:
        return None
    heads = evaluations[-1].validation
    series = {head: [(entry.step, entry.validation[head]) for entry in evaluations] for head in heads}
    return charts.lines(series)
