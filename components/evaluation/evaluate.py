"""The evidence: every task's metrics on its test rows, with intervals, against the baselines and the
champion on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from components import families
from components.data.contract.cards import HeadCard, task_card
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.data.mixture.records import PLAN, PlanRecord
from components.evaluation import bootstrap, gates
from components.evaluation.champion import Opponent
from components.evaluation.common import CommonGround, ground
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
    plan, models = PlanRecord.read(root / PLAN), gates.Models(root, champion)
    heads: dict[str, HeadEvidence] = {}
    not_compared = champion.differences(candidate.config.tasks) if champion else {}
    for name in project.tasks:
        say(f"evaluating {name}")
        heads |= _task(project, root, name, plan.tasks[name].share, candidate, champion, not_compared, models)
    Evaluation(
        model=ModelId(sha256=sha256(root / "models/multitask/model.safetensors")),
        champion=_identity(champion, not_compared) if champion else None,
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
    not_compared: dict[str, str],
    models: gates.Models,
) -> dict[str, HeadEvidence]:
    """What is measured of every head that reads the task's rows; heads of which too little can be compared
    join `not_compared`."""
    split = EncodedSplit(root / "encoded" / name / "test.arrow")
    cards = cards_of(root / "encoded" / name)
    said = {"model": predict(candidate, name, split, range(len(split)))}
    if champion is not None:
        asked = {head for head in cards if head in champion.cards and head not in not_compared}
        said["champion"] = champion.predict(root / "data" / name, cards, asked)
    report = {}
    for head, card in cards.items():
        rows = labelled_rows(root / "data" / name, "test", head)
        answers = {who: of_heads[head] for who, of_heads in said.items() if head in of_heads}
        common = None
        if champion is not None and "champion" in answers:
            known = champion.cards[head]["facts"]
            common = ground(families.get(card["family"]), known, card["facts"], rows, answers["champion"])
            if common.too_little:
                not_compared[head], common = common.too_little, None
        report[head] = _head(project, root, head, card, share, rows, answers, common, models)
    return report


def _head(
    project: Project,
    root: Path,
    head: str,
    card: HeadCard,
    share: float,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    common: CommonGround | None,
    models: gates.Models,
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
        metric.name: compare(metric, rows, answers, card["facts"], weights_RN, settings.confidence, common)
        for metric in family.metrics_for(card["facts"]["options"])
    }
    gate = project.gates().get(head)  # an auxiliary head has none, and is not judged
    case = gates.Case(project, root, head, card, gate, rows, answers, common, models) if gate else None
    classes = family.report(rows, answers["model"], card["facts"])
    return HeadEvidence(
        task=card["task"],
        family=family.name,
        rows=task_card(root / "data" / card["task"]).heads[head].rows,
        metrics=metrics,
        classes=[ClassScore(name=name, rows=n, f1=value) for name, n, value in classes],
        share=share,
        findings=gates.findings(settings.gates, case) if case else [],
    )


def _identity(champion: Opponent, not_compared: dict[str, str]) -> ChampionEvidence:
    """What the champion is, the heads that it answers, and why some of them cannot be compared."""
    return ChampionEvidence(
        **champion.release.model_dump(), heads=list(champion.cards), not_compared=not_compared
    )


def compare(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    facts: Facts,
    weights_RN: np.ndarray,
    confidence: float,
    common: CommonGround | None = None,
) -> MetricEvidence:
    """The metric of answers["model"] with its interval, and its paired differences to the baselines, and to
    the champion where there is common ground."""
    values, resampled = _measure(metric, rows, answers, facts, weights_RN, ("model", "trivial", "linear"))
    over = {who: resampled["model"] - resampled[who] for who in ("trivial", "linear")}
    return MetricEvidence(
        value=values["model"],
        interval=bootstrap.interval(resampled["model"], confidence),
        trivial=values["trivial"],
        linear=values["linear"],
        over_trivial=bootstrap.interval(over["trivial"], confidence),
        over_linear=bootstrap.interval(over["linear"], confidence),
        champion=_against(metric, rows, answers, weights_RN, confidence, common) if common else None,
    )


def _against(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    weights_RN: np.ndarray,
    confidence: float,
    common: CommonGround,
) -> Comparison:
    """The candidate and the champion on the rows that both can answer."""
    who = ("model", "champion", "trivial")
    some = {one: common.of(answers[one]) for one in who}
    weights_RN = weights_RN if common.rows_N.all() else weights_RN[:, common.rows_N]
    values, resampled = _measure(metric, common.of(rows), some, common.facts, weights_RN, who)
    difference = resampled["model"] - resampled["champion"]
    return Comparison(
        value=values["champion"],
        difference=values["model"] - values["champion"],
        interval=bootstrap.interval(difference, confidence),
        p=bootstrap.p_value(difference),
        over_trivial=bootstrap.interval(resampled["champion"] - resampled["trivial"], confidence),
        rows=int(common.rows_N.sum()) if common.changed else None,
        changed=common.changed,
    )


def _measure(
    metric: Metric,
    rows: Sequence[Row],
    answers: Mapping[str, Sequence[Prediction]],
    facts: Facts,
    weights_RN: np.ndarray,
    who: Sequence[str],
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The metric's value of the answers of each, and value_R of its resamples."""
    values, resampled = {}, {}
    for one in who:
        statistics_NS = metric.statistics(rows, answers[one], facts)
        values[one] = metric.total(statistics_NS)
        resampled[one] = metric.resampled(weights_RN, statistics_NS)
    return values, resampled
