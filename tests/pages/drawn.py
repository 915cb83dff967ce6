"""Every page that we write, drawn from synthetic reports."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from components.comparison import page as comparison
from components.comparison.records import SharingReport
from components.data.validation import page as validation
from components.evaluation import page as evaluation
from components.files import write_json
from components.pages import render
from components.tracking import page as training
from serving import pages as service
from tests.pages import samples

TASKS = {
    "sentiment": {"family": "classification", "inputs": ["text"]},
    "bought": {"family": "click", "inputs": ["text", "categorical"]},
    "tail": {"family": "knowledge_graph", "inputs": ["head", "relation"]},
}


def evaluated(outcome: str, evaluations: int = 12) -> str:
    measured = samples.evaluation(outcome != "PROMOTE")
    return evaluated_from(measured, samples.verdict(outcome, measured), evaluations)


def evaluated_from(measured: dict[str, Any], verdict: dict[str, Any], evaluations: int = 12) -> str:
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder) / "reports"
        write_json(reports / "evaluation.json", measured)
        write_json(reports / "verdict.json", verdict)
        write_json(reports / "plan.json", samples.plan())
        write_json(reports / "training.json", samples.training(evaluations))
        evaluation.write(Path(folder))
        return (reports / "evaluation.html").read_text()


def trained(evaluations: int = 12, cosines: bool = True) -> str:
    record = samples.training(evaluations, cosines)
    return training.render(record["evaluations"], record["metrics"])


def compared() -> str:
    with tempfile.TemporaryDirectory() as folder:
        comparison.write(Path(folder) / "sharing.html", SharingReport.model_validate(samples.sharing()))
        return (Path(folder) / "sharing.html").read_text()


@cache
def pages() -> dict[str, str]:
    return {
        "validation": validation.render(samples.validation()),
        "validation, sound": validation.render(samples.validation(sound=True)),
        "evaluation, REJECT": evaluated("REJECT"),
        "evaluation, HOLD": evaluated("HOLD", evaluations=1),
        "evaluation, PROMOTE": evaluated("PROMOTE"),
        "training": trained(),
        "training, one evaluation": trained(1, cosines=False),
        "comparison": compared(),
        "service": render.render(service.TEMPLATE, structured=service.structured(TASKS)),
    }
