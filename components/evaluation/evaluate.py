"""The evidence: every task's metrics on its test rows, with intervals, against the baselines and the
champion on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from components import families
from components.data.contract.rows import labelled_rows
from components.data.encoding.split import EncodedSplit, cards_of
from components.evaluation import bootstrap
from components.families.base import Facts, Metric, Prediction, Row
from components.files import read_json, sha256, write_json
from components.model import saving
from components.model.inference import predict
from components.model.multitask import MultiTaskModel
from components.settings.project import Project

Say = Callable[[str], None]


def evaluate(project: Project, root: Path, champion: Path | None, say: Say) -> None:
    """Write predictions/<task>.json and reports/evaluation.json.

    `champion` is the model folder of an earlier release, or None for a first release.
    """
    candidate = saving.load(root / "models/multitask")
    earlier = saving.load(champion) if champion else None
    plan = read_json(root / "reports/plan.json")
    report: dict[str, Any] = {
        "model": {"sha256": sha256(root / "models/multitask/model.safetensors")},
        "champion": {"model": sha256(champion / "model.safetensors")} if champion else None,
        "confidence": project.evaluation.confidence,
        "tasks": {},
    }
    for name in project.tasks:
        say(f"evaluating {name}")
        for head, measured in _task(project, root, name, candidate, earlier).items():
            report["tasks"][head] = {**measured, "share": plan["tasks"][name]["share"]}
    write_json(root / "reports/evaluation.json", report)


def _task(
    project: Project, root: Path, name: str, candidate: MultiTaskModel, earlier: MultiTaskModel | None
) -> dict[str, Any]:
    """What is measured of every head that reads the task's rows."""
    split = EncodedSplit(root / "encoded" / name / "test.arrow")
    everything = range(len(split))
    cards = cards_of(root / "encoded" / name)
    comparable = {head for head, card in cards.items() if earlier and _comparable(earlier, head, card)}
    predicted = {"model": predict(candidate, name, split, everything)}
    if earlier is not None:
        predicted["champion"] = predict(earlier, name, split, everything, comparable)
    report = {}
    for head, card in cards.items():
        who = ("model", "champion") if head in comparable else ("model",)
        report[head] = _head(project, root, head, card, {one: predicted[one][head] for one in who})
    return report


def _head(
    project: Project, root: Path, head: str, card: dict[str, Any], answers: dict[str, list[Prediction]]
) -> dict[str, Any]:
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
    counts = read_json(data / "task.json")["heads"][head]["rows"]
    classes = family.report(rows, answers["model"], card["facts"])
    return {
        "task": card["task"],
        "family": family.name,
        "rows": counts,
        "metrics": metrics,
        "classes": [{"name": name, "rows": n, "f1": value} for name, n, value in classes],
    }


def _comparable(earlier: MultiTaskModel, head: str, card: dict[str, Any]) -> bool:
    """The champion knows the head under the same task and family, and its family can compare the two."""
    known = earlier.config.tasks.get(head)
    if known is None or (known["task"], known["family"]) != (card["task"], card["family"]):
        return False
    return families.get(card["family"]).comparable(known["facts"], card["facts"])


def compare(
    metric: Metric,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    facts: Facts,
    weights_RN: np.ndarray,
    confidence: float,
) -> dict[str, Any]:
    """The metric of answers["model"] with its interval, and its paired differences to the others."""
    values, resampled = {}, {}
    for who, predictions in answers.items():
        statistics_NS = metric.statistics(rows, predictions, facts)
        values[who] = metric.total(statistics_NS)
        resampled[who] = metric.value(bootstrap.resample(weights_RN, statistics_NS))
    differences = {who: resampled["model"] - resampled[who] for who in answers if who != "model"}
    report = {
        "value": values["model"],
        "interval": bootstrap.interval(resampled["model"], confidence),
        "trivial": values["trivial"],
        "linear": values["linear"],
        "over_trivial": bootstrap.interval(differences["trivial"], confidence),
        "over_linear": bootstrap.interval(differences["linear"], confidence),
        "champion": None,
    }
    if "champion" in answers:
        report["champion"] = {
            "value": values["champion"],
            "difference": values["model"] - values["champion"],
            "interval": bootstrap.interval(differences["champion"], confidence),
            "p": bootstrap.p_value(differences["champion"]),
        }
    return report
