"""The evidence: every task's metrics on its test rows, with intervals, against the baselines and the
champion on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from components.data.contract.cards import HeadCard, task_card
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.records import PLAN, PlanRecord
from components.errors import UserError
from components.evaluation import gates, paired, picture, relabelled
from components.evaluation.against import ANCHOR, CHAMPION, Against, Meeting
from components.evaluation.answered import AnsweredHead, without_number
from components.evaluation.apart import Ended, compared, gain
from components.evaluation.champion import Opponent
from components.evaluation.intervals import difference, interval, worth_of
from components.evaluation.records import (
    EVALUATION,
    METRICS,
    Comparison,
    Evaluation,
    Finding,
    HeadEvidence,
    MetricEvidence,
    ModelId,
)
from components.evaluation.units import Units, sample
from components.families.base import Facts, Metric, Prediction, Row
from components.files import atomic_folder, read_json, sha256, write_json
from components.model import saving
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings.project import Project

Say = Callable[[str], None]
BASELINES = ("trivial", "linear")


def evaluate(
    project: Project,
    root: Path,
    champion: Opponent | None,
    say: Say,
    anchors: Mapping[str, Opponent] | None = None,
    rolled_back: str | None = None,
) -> None:
    """Write predictions/<task>.json and reports/evaluation.json, and reports/metrics.json
    ({head: {metric: value}}) for `dvc metrics`; a first release has no champion. `anchors` are by head;
    `rolled_back` is the version under which this model was released before, and rolled back."""
    against = Against(champion, dict(anchors or {}))
    candidate, models = saving.load(root / saving.MODEL), gates.Models(root, champion)
    against.find_differences(candidate.config.tasks)
    examiner = Examiner(project, root, candidate, against, models)
    heads: dict[str, HeadEvidence] = {}
    with atomic_folder(root / "predictions") as folder:
        for name in project.tasks:
            say(f"evaluating {name}")
            heads |= examiner.examine(name, folder)
    Evaluation(
        model=ModelId(sha256=sha256(root / "models/multitask/model.safetensors")),
        champion=against.champion_evidence(),
        confidence=project.evaluation.confidence,
        tasks=heads,
        anchors=against.anchor_evidence(heads),
        findings=gates.of_model(project, models),
        rolled_back=rolled_back,
    ).write(root / EVALUATION)
    values = {
        head: {name: metric.value for name, metric in measured.metrics.items()}
        for head, measured in heads.items()
    }
    write_json(root / METRICS, values)


@dataclass(frozen=True)
class Examiner:
    """Asks the candidate the test rows of one task after the other."""

    project: Project
    root: Path
    candidate: MultiTaskModel
    against: Against  # champion and anchors
    models: gates.Models  # for what further gates ask

    @cached_property
    def plan(self) -> PlanRecord:
        return PlanRecord.read(self.root / PLAN)

    def examine(self, task: str, predictions: Path) -> dict[str, HeadEvidence]:
        """What is measured of every head that reads the task's rows; its answers go to `predictions`."""
        data, encoded = self.root / "data" / task, self.root / "encoded" / task
        cards, split = cards_of(encoded), EncodedSplit(encoded / "test.arrow")
        own = predict(self.candidate, task, split, range(len(split)))
        rows = {head: labelled_rows(data, "test", head) for head in cards}
        met = self.against.meet(data, cards, rows)
        for head, answers in own.items():
            require_numbers(head, rows[head], answers)
            named = zip(rows[head], answers, strict=True)
            write_json(predictions / f"{head}.json", [{"id": row["id"], **answer} for row, answer in named])
        return {
            head: self._evidence(self._answered(head, card, rows[head], own[head]), met.get(head, {}))
            for head, card in cards.items()
        }

    def _answered(self, head: str, card: HeadCard, rows: list[Row], own: list[Prediction]) -> AnsweredHead:
        """What the candidate and the two baselines say."""
        folder = self.root / "baselines" / card["task"] / head
        said = {"model": own, **{who: read_json(folder / f"{who}.json") for who in BASELINES}}
        return AnsweredHead(self.project, head, card, self.project.gates().get(head), rows, said)

    def _evidence(self, asked: AnsweredHead, met: Mapping[str, Meeting]) -> HeadEvidence:
        data, planned = self.root / "data" / asked.card["task"], self.plan.tasks[asked.card["task"]]
        return HeadEvidence(
            task=asked.card["task"],
            family=asked.family.name,
            rows=task_card(data).heads[asked.head].rows,
            metrics=_metrics(asked, met),
            share=planned.share,
            epochs=planned.epochs,
            cut=planned.cut,
            **picture.draw(asked),
            findings=self._findings(asked, met.get(CHAMPION)),
            test_set=sha256(data / "test.parquet"),
        )

    def _findings(self, asked: AnsweredHead, champion: Meeting | None) -> list[Finding]:
        """Of further gates, and of labels that have changed."""
        case = self._case(asked, champion)
        if case is None:
            return []
        of_labels = relabelled.findings(case, champion.relabelled) if champion else ()
        return [*of_labels, *gates.findings(asked.settings.gates, case)]

    def _case(self, asked: AnsweredHead, champion: Meeting | None) -> gates.Case | None:
        """What the further gates are given of a head; an auxiliary one has no gate, and is not judged."""
        if asked.gate is None:
            return None
        return gates.Case(
            project=self.project,
            head=asked.head,
            card=asked.card,
            gate=asked.gate,
            rows=asked.rows,
            said={**asked.said, CHAMPION: champion.said} if champion else asked.said,
            root=self.root,
            common=champion.ground if champion else None,
            models=self.models,
        )


def require_numbers(head: str, rows: Sequence[Row], answers: Sequence[Prediction]) -> None:
    """Let a head pass that has answers to measure, and finite numbers in them.

    Raises:
        UserError: otherwise.
    """
    if not rows:
        raise UserError(f"{head}: no test row has its target; expected some, to measure it by")
    if (place := without_number(answers)) is not None:
        raise UserError(
            f"{saving.MODEL}: the answer to {head}'s test row {rows[place]['id']} holds a number that is not "
            f"finite; expected finite ones: its training has diverged; try a lower training.learning_rate"
        )


def _metrics(asked: AnsweredHead, met: Mapping[str, Meeting]) -> dict[str, MetricEvidence]:
    """Each metric of the family that tells something of the head."""
    units, labels = Units.of_rows(asked.family, asked.rows), asked.family.label_set(asked.facts)
    rows, confidence = list(asked.rows), asked.settings.confidence
    return {
        metric.name: compare(metric, rows, asked.said, asked.facts, units, confidence, met)
        for metric in asked.family.metrics_for(asked.facts["options"])
        if len(labels) >= metric.least_labels
    }


def compare(
    metric: Metric,
    rows: list[Row],
    answers: Mapping[str, Sequence[Prediction]],
    facts: Facts,
    units: Units,
    confidence: float,
    met: Mapping[str, Meeting] | None = None,
) -> MetricEvidence:
    """The metric of answers["model"] with its interval, and its paired differences to the baselines, and to
    the releases that it was `met` by, by what they are to the head: champion, anchor."""
    tables = {who: metric.statistics(rows, answers[who], facts) for who in ("model", *BASELINES)}
    model, trivial, linear = (sample(metric, table, units) for table in tables.values())
    worth = worth_of(metric, tables["model"], tables["trivial"], units)
    release, anchored = (met or {}).get(CHAMPION), (met or {}).get(ANCHOR)
    champion = _against(metric, rows, answers, units, confidence, release) if release else None
    anchor = champion  # where both are one release, it is measured once
    if anchored is not release:
        anchor = _against(metric, rows, answers, units, confidence, anchored) if anchored else None
    return MetricEvidence(
        value=model.value,
        interval=interval(metric, model, confidence, worth),
        trivial=trivial.value,
        linear=linear.value,
        over_trivial=gain(metric, model, trivial, confidence, worth),
        over_linear=gain(metric, model, linear, confidence, worth)
        if metric.absolute
        else difference(model, linear, worth).interval(confidence),
        champion=champion,
        anchor=anchor,
    )


def _against(
    metric: Metric,
    rows: list[Row],
    answers: Mapping[str, Sequence[Prediction]],
    units: Units,
    confidence: float,
    meeting: Meeting,
) -> Comparison:
    """The candidate and a release on the rows that both can answer."""
    common = meeting.ground
    said = {who: meeting.read(side) for who, side in {**answers, "release": meeting.said}.items()}
    asked = meeting.read(rows)
    units = units if common.rows_N.all() else units.pick(common.rows_N)
    tables = {
        who: metric.statistics(common.of(asked), common.of(said[who]), common.facts)
        for who in ("model", "release", "trivial")
    }
    model, release, trivial = (sample(metric, table, units) for table in tables.values())
    worth = worth_of(metric, tables["model"], tables["trivial"], units)
    counted = difference(model, release, worth)
    found = Comparison(
        value=release.value,
        difference=model.value - release.value,
        interval=counted.interval(confidence),
        p=counted.p_worse(),
        over_trivial=gain(metric, release, trivial, confidence),
        rows=int(common.rows_N.sum()),
        changed=common.changed,
        low=counted.low(confidence),
        se=counted.standard_error,
        discordant=paired.discordant(tables["model"], tables["release"]),
        counted=counted,
        since=meeting.since,
    )
    if not metric.absolute:
        return found
    return compared(found, Ended.of(metric, model, worth), Ended.of(metric, release), confidence)
