"""The evidence: every task's metrics on its test rows, with intervals, against the baselines and the
champion on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components import families
from components.data.contract.cards import HeadCard, task_card
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.records import PLAN, PlanRecord
from components.evaluation import bootstrap, gates, paired, picture
from components.evaluation.against import ANCHOR, CHAMPION, Against, Meeting
from components.evaluation.champion import Opponent
from components.evaluation.records import (
    EVALUATION,
    METRICS,
    Comparison,
    Evaluation,
    HeadEvidence,
    MetricEvidence,
    ModelId,
)
from components.families.base import Facts, Metric, Prediction, Row
from components.files import read_json, sha256, write_json
from components.model import saving
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings.project import Project

if TYPE_CHECKING:
    from components.families.base.metric import Table

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
    plan = PlanRecord.read(root / PLAN)
    heads: dict[str, HeadEvidence] = {}
    for name in project.tasks:
        say(f"evaluating {name}")
        heads |= _task(project, root, name, plan.tasks[name].share, candidate, against)
    Evaluation(
        model=ModelId(sha256=sha256(root / "models/multitask/model.safetensors")),
        champion=against.champion_evidence(),
        confidence=project.evaluation.confidence,
        tasks=heads,
        anchors=against.anchor_evidence(heads),
        rolled_back=rolled_back,
    ).write(root / EVALUATION)
    values = {
        head: {name: metric.value for name, metric in measured.metrics.items()}
        for head, measured in heads.items()
    }
    write_json(root / METRICS, values)


def _task(
    project: Project, root: Path, name: str, share: float, candidate: MultiTaskModel, against: Against
) -> dict[str, HeadEvidence]:
    """What is measured of every head that reads the task's rows."""
    data, split = root / "data" / name, EncodedSplit(root / "encoded" / name / "test.arrow")
    cards = cards_of(root / "encoded" / name)
    own = predict(candidate, name, split, range(len(split)))
    rows = {head: labelled_rows(data, "test", head) for head in cards}
    met = against.meet(data, cards, rows)
    return {
        head: _head(project, root, head, card, share, rows[head], {"model": own[head]}, met.get(head, {}))
        for head, card in cards.items()
    }


def _head(
    project: Project,
    root: Path,
    head: str,
    card: HeadCard,
    share: float,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    met: Mapping[str, Meeting],
) -> HeadEvidence:
    family = families.get(card["family"])
    for baseline in ("trivial", "linear"):
        answers[baseline] = read_json(root / "baselines" / card["task"] / head / f"{baseline}.json")
    write_json(
        root / "predictions" / f"{head}.json",
        [{"id": row["id"], **answer} for row, answer in zip(rows, answers["model"], strict=True)],
    )
    settings = project.evaluation
    weights_RN = bootstrap.weights([row["groups"] for row in rows], settings.resamples, project.seed)
    metrics = {
        metric.name: compare(metric, rows, answers, card["facts"], weights_RN, settings.confidence, met)
        for metric in family.metrics_for(card["facts"]["options"])
        if len(family.label_set(card["facts"])) >= metric.least_labels
    }
    case = _case(project, root, head, card, rows, answers, met.get(CHAMPION))
    gate = project.gates().get(head)
    shown = picture.Head(project, card, gate.metric if gate else None, rows, answers["model"])
    return HeadEvidence(
        task=card["task"],
        family=family.name,
        rows=task_card(root / "data" / card["task"]).heads[head].rows,
        metrics=metrics,
        share=share,
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
) -> gates.Case | None:
    """What the further gates are given of a head; an auxiliary one has no gate, and is not judged."""
    gate = project.gates().get(head)
    if gate is None:
        return None
    said = {**answers, CHAMPION: champion.said} if champion else dict(answers)
    common = champion.ground if champion else None
    return gates.Case(project, root, head, card, gate, rows, said, common)


def compare(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    facts: Facts,
    weights_RN: np.ndarray,
    confidence: float,
    met: Mapping[str, Meeting] | None = None,
) -> MetricEvidence:
    """The metric of answers["model"] with its interval, and its paired differences to the baselines, and to
    the releases that it was `met` by, by what they are to the head: champion, anchor."""
    measured = _measure(metric, rows, answers, facts, weights_RN, ("model", "trivial", "linear"))
    model, trivial, linear = measured.values()
    compared = {
        what: _against(metric, rows, answers, weights_RN, confidence, meeting)
        for what, meeting in (met or {}).items()
    }
    return MetricEvidence(
        value=model.value,
        interval=bootstrap.interval(model.resampled_R, confidence),
        trivial=trivial.value,
        linear=linear.value,
        over_trivial=bootstrap.interval(model.resampled_R - trivial.resampled_R, confidence),
        over_linear=bootstrap.interval(model.resampled_R - linear.resampled_R, confidence),
        champion=compared.get(CHAMPION),
        anchor=compared.get(ANCHOR),
    )


def _against(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    weights_RN: np.ndarray,
    confidence: float,
    meeting: Meeting,
) -> Comparison:
    """The candidate and a release on the rows that both can answer."""
    common = meeting.ground
    said = {**answers, "release": meeting.said}
    who = ("model", "release", "trivial")
    some = {one: common.of(said[one]) for one in who}
    weights_RN = weights_RN if common.rows_N.all() else weights_RN[:, common.rows_N]
    measured = _measure(metric, common.of(rows), some, common.facts, weights_RN, who)
    model, release, trivial = (measured[one] for one in who)
    difference, difference_R = model.value - release.value, model.resampled_R - release.resampled_R
    count = int(common.rows_N.sum())
    discordant = paired.discordant(model.statistics_NS, release.statistics_NS)
    return Comparison(
        value=release.value,
        difference=difference,
        interval=bootstrap.interval(difference_R, confidence),
        p=bootstrap.p_value(difference_R),
        over_trivial=bootstrap.interval(release.resampled_R - trivial.resampled_R, confidence),
        rows=count,
        changed=common.changed,
        low=paired.one_sided(difference, difference_R, discordant, count, confidence),
        se=float(np.std(difference_R)),
        discordant=discordant,
        since=meeting.since,
    )


@dataclass(frozen=True)
class Measured:
    """A metric of somebody's answers."""

    value: float
    resampled_R: np.ndarray  # of the rows' resamples
    statistics_NS: Table  # of each row


def _measure(
    metric: Metric,
    rows: Sequence[Row],
    answers: Mapping[str, Sequence[Prediction]],
    facts: Facts,
    weights_RN: np.ndarray,
    who: Sequence[str],
) -> dict[str, Measured]:
    """The metric of the answers of each."""
    tables = {one: metric.statistics(rows, answers[one], facts) for one in who}
    return {
        one: Measured(metric.total(table), metric.resampled(weights_RN, table), table)
        for one, table in tables.items()
    }
