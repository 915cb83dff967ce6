"""The evidence: every task's metrics on its test rows, with intervals, against the baselines and the
champion on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from components import families
from components.data.contract.cards import HeadCard, task_card
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.records import PLAN, PlanRecord
from components.evaluation import bootstrap
from components.evaluation.champion import Opponent
from components.evaluation.records import (
    EVALUATION,
    METRICS,
    ChampionEvidence,
    ClassScore,
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

Say = Callable[[str], None]


def evaluate(project: Project, root: Path, champion: Opponent | None, say: Say) -> None:
    """Write predictions/<task>.json and reports/evaluation.json, and reports/metrics.json
    ({head: {metric: value}}) for `dvc metrics`; a first release has no champion."""
    candidate = saving.load(root / "models/multitask")
    plan = PlanRecord.read(root / PLAN)
    heads: dict[str, HeadEvidence] = {}
    for name in project.tasks:
        say(f"evaluating {name}")
        heads |= _task(project, root, name, plan.tasks[name].share, candidate, champion)
    Evaluation(
        model=ModelId(sha256=sha256(root / "models/multitask/model.safetensors")),
        champion=_identity(champion, candidate) if champion else None,
        confidence=project.evaluation.confidence,
        tasks=heads,
    ).write(root / EVALUATION)
    values = {
        head: {name: metric.value for name, metric in measured.metrics.items()}
        for head, measured in heads.items()
    }
    write_json(root / METRICS, values)


def _task(
    project: Project,
    root: Path,
    name: str,
    share: float,
    candidate: MultiTaskModel,
    champion: Opponent | None,
) -> dict[str, HeadEvidence]:
    """What is measured of every head that reads the task's rows."""
    split = EncodedSplit(root / "encoded" / name / "test.arrow")
    everything = range(len(split))
    cards = cards_of(root / "encoded" / name)
    predicted = {"model": predict(candidate, name, split, everything)}
    comparable: set[str] = set()
    if champion is not None:
        comparable = {head for head, why in champion.differences(cards).items() if why is None}
        predicted["champion"] = champion.predict(root / "data" / name, cards, comparable)
    report = {}
    for head, card in cards.items():
        who = ("model", "champion") if head in comparable else ("model",)
        answers = {one: predicted[one][head] for one in who}
        report[head] = _head(project, root, head, card, share, answers)
    return report


def _head(
    project: Project,
    root: Path,
    head: str,
    card: HeadCard,
    share: float,
    answers: dict[str, list[Prediction]],
) -> HeadEvidence:
    family, data = families.get(card["family"]), root / "data" / card["task"]
    rows = labelled_rows(data, "test", head)
    for baseline in ("trivial", "linear"):
        answers[baseline] = read_json(root / "baselines" / card["task"] / head / f"{baseline}.json")
    write_json(
        root / "predictions" / f"{head}.json",
        [{"id": row["id"], **answer} for row, answer in zip(rows, answers["model"], strict=True)],
    )
    settings = project.evaluation
    weights_RN = bootstrap.weights([row["groups"] for row in rows], settings.resamples, project.seed)
    metrics = {
        metric.name: compare(metric, rows, answers, card["facts"], weights_RN, settings.confidence)
        for metric in family.metrics_for(card["facts"]["options"])
    }
    counts = task_card(data).heads[head].rows
    classes = family.report(rows, answers["model"], card["facts"])
    return HeadEvidence(
        task=card["task"],
        family=family.name,
        rows=counts,
        metrics=metrics,
        classes=[ClassScore(name=name, rows=n, f1=value) for name, n, value in classes],
        share=share,
    )


def _identity(champion: Opponent, candidate: MultiTaskModel) -> ChampionEvidence:
    """What the champion is, the heads that it answers, and why some of them cannot be compared."""
    differences = champion.differences(candidate.config.tasks)
    return ChampionEvidence(
        **champion.release.model_dump(),
        heads=list(champion.cards),
        not_compared={head: why for head, why in differences.items() if why is not None},
    )


def compare(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    facts: Facts,
    weights_RN: np.ndarray,
    confidence: float,
) -> MetricEvidence:
    """The metric of answers["model"] with its interval, and its paired differences to the others."""
    values, resampled = {}, {}
    for who, predictions in answers.items():
        statistics_NS = metric.statistics(rows, predictions, facts)
        values[who] = metric.total(statistics_NS)
        resampled[who] = metric.value(bootstrap.resample(weights_RN, statistics_NS))
    differences = {who: resampled["model"] - resampled[who] for who in answers if who != "model"}
    against = None
    if "champion" in answers:
        against = Comparison(
            value=values["champion"],
            difference=values["model"] - values["champion"],
            interval=bootstrap.interval(differences["champion"], confidence),
            p=bootstrap.p_value(differences["champion"]),
        )
    return MetricEvidence(
        value=values["model"],
        interval=bootstrap.interval(resampled["model"], confidence),
        trivial=values["trivial"],
        linear=values["linear"],
        over_trivial=bootstrap.interval(differences["trivial"], confidence),
        over_linear=bootstrap.interval(differences["linear"], confidence),
        champion=against,
    )
