"""The evidence: every task's metrics on its test rows, with intervals, against the baselines and the
champion on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from components import families
from components.data.contract.cards import HeadCard, task_card
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.records import PLAN, PlannedTask, PlanRecord
from components.evaluation import gates, paired, picture
from components.evaluation.against import ANCHOR, CHAMPION, Against, Meeting
from components.evaluation.champion import Opponent
from components.evaluation.intervals import difference, gain, interval, worth_of
from components.evaluation.records import (
    EVALUATION,
    METRICS,
    Comparison,
    Evaluation,
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
    candidate = saving.load(root / "models/multitask")
    against.find_differences(candidate.config.tasks)
    plan, models = PlanRecord.read(root / PLAN), gates.Models(root, champion)
    heads: dict[str, HeadEvidence] = {}
    with atomic_folder(root / "predictions") as folder:
        for name in project.tasks:
            say(f"evaluating {name}")
            heads |= _task(project, root, folder, name, plan.tasks[name], candidate, against, models)
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


def _task(
    project: Project,
    root: Path,
    predictions: Path,
    name: str,
    planned: PlannedTask,
    candidate: MultiTaskModel,
    against: Against,
    models: gates.Models,
) -> dict[str, HeadEvidence]:
    """What is measured of every head that reads the task's rows."""
    data, split = root / "data" / name, EncodedSplit(root / "encoded" / name / "test.arrow")
    cards = cards_of(root / "encoded" / name)
    own = predict(candidate, name, split, range(len(split)))
    rows = {head: labelled_rows(data, "test", head) for head in cards}
    met = against.meet(data, cards, rows)
    return {
        head: _head(
            project,
            root,
            predictions,
            head,
            card,
            planned,
            rows[head],
            {"model": own[head]},
            met.get(head, {}),
            models,
        )
        for head, card in cards.items()
    }


def _head(
    project: Project,
    root: Path,
    predictions: Path,
    head: str,
    card: HeadCard,
    planned: PlannedTask,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    met: Mapping[str, Meeting],
    models: gates.Models,
) -> HeadEvidence:
    family = families.get(card["family"])
    for baseline in ("trivial", "linear"):
        answers[baseline] = read_json(root / "baselines" / card["task"] / head / f"{baseline}.json")
    write_json(
        predictions / f"{head}.json",
        [{"id": row["id"], **answer} for row, answer in zip(rows, answers["model"], strict=True)],
    )
    settings = project.evaluation
    units = Units.of([row["groups"] for row in rows])
    metrics = {
        metric.name: compare(metric, rows, answers, card["facts"], units, settings.confidence, met)
        for metric in family.metrics_for(card["facts"]["options"])
        if len(family.label_set(card["facts"])) >= metric.least_labels
    }
    case = _case(project, root, head, card, rows, answers, met.get(CHAMPION), models)
    gate = project.gates().get(head)
    gated = gate.metric if gate else None
    shown = picture.Head(settings, card, gated, rows, answers["model"])
    return HeadEvidence(
        task=card["task"],
        family=family.name,
        rows=task_card(root / "data" / card["task"]).heads[head].rows,
        metrics=metrics,
        share=planned.share,
        epochs=planned.epochs,
        cut=planned.cut,
        **picture.draw(shown),
        findings=gates.findings(settings.gates, case) if case else [],
        test_set=sha256(root / "data" / card["task"] / "test.parquet"),
    )


def _case(
    project: Project,
    root: Path,
    head: str,
    card: HeadCard,
    rows: list[Row],
    answers: Mapping[str, list[Prediction]],
    champion: Meeting | None,
    models: gates.Models,
) -> gates.Case | None:
    """What the further gates are given of a head; an auxiliary one has no gate, and is not judged."""
    gate = project.gates().get(head)
    if gate is None:
        return None
    said = {**answers, CHAMPION: champion.said} if champion else dict(answers)
    common = champion.ground if champion else None
    return gates.Case(project, root, head, card, gate, rows, said, common, models)


def compare(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    facts: Facts,
    units: Units,
    confidence: float,
    met: Mapping[str, Meeting] | None = None,
) -> MetricEvidence:
    """The metric of answers["model"] with its interval, and its paired differences to the baselines, and to
    the releases that it was `met` by, by what they are to the head: champion, anchor."""
    model, trivial, linear = (
        sample(metric, metric.statistics(rows, answers[who], facts), units)
        for who in ("model", "trivial", "linear")
    )
    release, anchored = (met or {}).get(CHAMPION), (met or {}).get(ANCHOR)
    champion = _against(metric, rows, answers, units, confidence, release) if release else None
    anchor = champion  # where both are one release, it is measured once
    if anchored is not release:
        anchor = _against(metric, rows, answers, units, confidence, anchored) if anchored else None
    return MetricEvidence(
        value=model.value,
        interval=interval(metric, model, confidence),
        trivial=trivial.value,
        linear=linear.value,
        over_trivial=gain(metric, model, trivial, confidence),
        over_linear=difference(model, linear, worth_of(model, trivial)).interval(confidence),
        champion=champion,
        anchor=anchor,
    )


def _against(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    units: Units,
    confidence: float,
    meeting: Meeting,
) -> Comparison:
    """The candidate and a release on the rows that both can answer."""
    common = meeting.ground
    said = {**answers, "release": meeting.said}
    units = units if common.rows_N.all() else units.pick(common.rows_N)
    tables = {
        who: metric.statistics(common.of(rows), common.of(said[who]), common.facts)
        for who in ("model", "release", "trivial")
    }
    model, release, trivial = (sample(metric, table, units) for table in tables.values())
    counted = difference(model, release, worth_of(model, trivial))
    return Comparison(
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
