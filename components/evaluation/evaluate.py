"""The evidence: every task's metrics on its test rows, with intervals, against the baselines and the
champion on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from components import tasks
from components.data.encoding import EncodedSplit, card_of
from components.evaluation import bootstrap
from components.files import read_json, sha256, write_json
from components.model import multitask
from components.model.inference import predict
from components.settings import Project
from components.tasks.base import Facts, Family, Prediction, Row

Say = Callable[[str], None]


def evaluate(project: Project, root: Path, champion: Path | None, say: Say) -> None:
    """Write predictions/<task>.json and reports/evaluation.json.

    `champion` is the model folder of an earlier release, or None for a first release.
    """
    candidate = multitask.load(root / "models/multitask")
    earlier = multitask.load(champion) if champion else None
    plan = read_json(root / "reports/plan.json")
    report: dict[str, Any] = {
        "model": {"sha256": sha256(root / "models/multitask/model.safetensors")},
        "champion": {"model": sha256(champion / "model.safetensors")} if champion else None,
        "confidence": project.evaluation.confidence,
        "tasks": {},
    }
    for name in project.tasks:
        say(f"evaluating {name}")
        report["tasks"][name] = _task(project, root, name, candidate, earlier)
        report["tasks"][name]["share"] = plan["tasks"][name]["share"]
    write_json(root / "reports/evaluation.json", report)


def _task(
    project: Project,
    root: Path,
    name: str,
    candidate: multitask.MultiTaskModel,
    earlier: multitask.MultiTaskModel | None,
) -> dict[str, Any]:
    card = card_of(root / "encoded" / name)
    family = tasks.get(card["family"])
    split = EncodedSplit(root / "encoded" / name / "test.arrow")
    rows = pq.read_table(root / "data" / name / "test.parquet").to_pylist()
    answers = {
        "model": predict(candidate, name, split, range(len(split))),
        "trivial": read_json(root / "baselines" / name / "trivial.json"),
        "linear": read_json(root / "baselines" / name / "linear.json"),
    }
    if earlier is not None and _comparable(earlier, name, card):
        answers["champion"] = predict(earlier, name, split, range(len(split)))
    write_json(
        root / "predictions" / f"{name}.json",
        [{"id": row["id"], **answer} for row, answer in zip(rows, answers["model"], strict=True)],
    )
    seed, settings = project.seed, project.evaluation
    weights_RN = bootstrap.weights([row["groups"] for row in rows], settings.resamples, seed)
    metrics = {
        metric: compare(family, metric, rows, answers, card["facts"], weights_RN, settings.confidence)
        for metric in family.metrics
    }
    counts = read_json(root / "data" / name / "task.json")["rows"]
    return {"family": family.name, "rows": counts, "metrics": metrics}


def _comparable(earlier: multitask.MultiTaskModel, name: str, card: dict[str, Any]) -> bool:
    """The champion knows the task under the same family and label set."""
    known = earlier.config.tasks.get(name)
    if known is None or known["family"] != card["family"]:
        return False
    return bool(known["facts"].get("labels") == card["facts"].get("labels"))


def compare(
    family: Family,
    metric: str,
    rows: list[Row],
    answers: dict[str, list[Prediction]],
    facts: Facts,
    weights_RN: np.ndarray,
    confidence: float,
) -> dict[str, Any]:
    """The metric of answers["model"] with its interval, and its paired differences to the others."""
    values, resampled = {}, {}
    for who, predictions in answers.items():
        statistics_NS = family.statistics(metric, rows, predictions, facts)
        values[who] = float(family.value(metric, statistics_NS.sum(0, keepdims=True))[0])
        resampled[who] = family.value(metric, bootstrap.resample(weights_RN, statistics_NS))
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
