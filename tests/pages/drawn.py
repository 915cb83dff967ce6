"""Every page that we write, drawn from synthetic reports."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

from components.comparison import page as comparison
from components.comparison.records import SharingReport
from components.data.validation import page as validation
from components.evaluation import page as evaluation
from components.evaluation.records import Evaluation, Outcome, Verdict
from components.pages import render
from components.tracking import page as training
from components.training.run.state import Entry
from serving import pages as service
from tests.pages import samples

TASKS = [
    ("classification", ["text"]),
    ("click", ["text", "categorical"]),
    ("knowledge_graph", ["head", "relation"]),
]


def evaluated(outcome: Outcome, evaluations: int = 12) -> str:
    measured = samples.evaluation(outcome != "PROMOTE")
    return evaluated_from(measured, samples.verdict(outcome, measured), evaluations)


def evaluated_from(measured: Evaluation, verdict: Verdict, evaluations: int = 12) -> str:
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder) / "reports"
        measured.write(reports / "evaluation.json")
        verdict.write(reports / "verdict.json")
        samples.plan().write(reports / "plan.json")
        samples.training(evaluations).write(reports / "training.json")
        evaluation.write(Path(folder))
        return (reports / "evaluation.html").read_text()


def trained(evaluations: int = 12, cosines: bool = True) -> str:
    record = samples.training(evaluations, cosines)
    entries = [cast("Entry", entry.model_dump()) for entry in record.evaluations]
    return training.render(entries, record.metrics)


def compared() -> str:
    with tempfile.TemporaryDirectory() as folder:
        comparison.write(Path(folder) / "sharing.html", SharingReport.model_validate(samples.sharing()))
        return (Path(folder) / "sharing.html").read_text()


PAGES: dict[str, Callable[[], str]] = {
    "validation": lambda: validation.render(samples.validation()),
    "validation, sound": lambda: validation.render(samples.validation(sound=True)),
    "evaluation, REJECT": lambda: evaluated("REJECT"),
    "evaluation, HOLD": lambda: evaluated("HOLD", evaluations=1),
    "evaluation, PROMOTE": lambda: evaluated("PROMOTE"),
    "training": trained,
    "training, one evaluation": lambda: trained(1, cosines=False),
    "comparison": compared,
    "service": lambda: render.render(
        service.TEMPLATE, structured=service.structured(TASKS), token=False, explained=[], written=[]
    ),
}


@cache
def page(name: str) -> str:
    return PAGES[name]()
