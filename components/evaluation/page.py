"""reports/evaluation.html: the verdict and its evidence, for people. One file that opens offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from components.files import atomic_file, read_json

WIDTH, HEIGHT = 560, 150  # of a drawing, in its own units


def write(root: Path) -> None:
    """Render the page from reports/{evaluation,verdict,training,plan}.json."""
    reports = root / "reports"
    names = ("evaluation", "verdict", "training", "plan")
    evaluation, verdict, training, plan = (read_json(reports / f"{name}.json") for name in names)
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("page.html.jinja").read_text(encoding="utf-8")
    )
    html = template.render(
        verdict=verdict,
        evaluation=evaluation,
        plan=plan,
        tasks=[_task(name, entry, evaluation["tasks"][name], plan)
               for name, entry in {**verdict["tasks"], **_auxiliary(evaluation, plan)}.items()
               if name in evaluation["tasks"]],
        curves=_curves(training["evaluations"]),
    )  # fmt: skip
    with atomic_file(reports / "evaluation.html") as temporary:
        temporary.write_text(html, encoding="utf-8")


def _task(name: str, gate: dict[str, Any], measured: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    metrics = [
        {"name": metric, **values, "marks": _marks(values)} for metric, values in measured["metrics"].items()
    ]
    return {"name": name, **gate, "family": measured["family"], "rows": measured["rows"], "metrics": metrics,
            "classes": measured["classes"],
            "plan": plan["tasks"][measured["task"]]}  # fmt: skip


def _auxiliary(evaluation: dict[str, Any], plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What stands in place of a verdict on heads that are trained and measured, and not released."""
    why = "An auxiliary task, which is there for the others' sake: it is not judged and not released"
    return {
        head: {"gate": "auxiliary", "metric": next(iter(measured["metrics"])), "why": why}
        for head, measured in evaluation["tasks"].items()
        if plan["tasks"][measured["task"]].get("auxiliary")
    }


def _marks(values: dict[str, Any]) -> dict[str, float]:
    """Places, in per cent, of what stands on a metric's line from 0 (or less) to 1."""
    low = min(0.0, values["trivial"], values["linear"], values["interval"][0])
    champion = values["champion"]["value"] if values["champion"] else None
    named = {"value": values["value"], "trivial": values["trivial"], "linear": values["linear"],
             "low": values["interval"][0], "high": values["interval"][1], "champion": champion}  # fmt: skip
    return {key: 100 * (place - low) / (1 - low) for key, place in named.items() if place is not None}


def _curves(evaluations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each task's validation metric over the steps, as the points of a polyline."""
    if not evaluations:
        return []
    last = evaluations[-1]["step"]
    curves = []
    for name in evaluations[0]["validation"]:
        points = [(entry["step"] / last, max(entry["validation"][name], 0.0)) for entry in evaluations]
        line = " ".join(f"{WIDTH * x:.1f},{HEIGHT * (1 - y):.1f}" for x, y in points)
        curves.append({"name": name, "line": line, "last": points[-1][1]})
    return curves
