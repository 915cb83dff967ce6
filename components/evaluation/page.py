"""reports/evaluation.html: the verdict and its evidence, for people. One file that opens offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.files import read_json
from components.pages import charts, render

TEMPLATE = Path(__file__).with_name("page.html.jinja")


def write(root: Path) -> None:
    """Render the page from reports/{evaluation,verdict,training,plan}.json."""
    reports = root / "reports"
    names = ("evaluation", "verdict", "training", "plan")
    evaluation, verdict, training, plan = (read_json(reports / f"{name}.json") for name in names)
    judged = {**verdict["tasks"], **_auxiliary(evaluation, plan)}
    tasks = [_task(name, gate, evaluation["tasks"].get(name), plan) for name, gate in judged.items()]
    render.write(
        reports / "evaluation.html",
        TEMPLATE,
        verdict=verdict,
        evaluation=evaluation,
        plan=plan,
        tasks=tasks,
        kept_back=[task for task in tasks if task["gate"] not in ("pass", "auxiliary")],
        metrics=training["metrics"],
        curves=_curves(training["evaluations"]),
        scores=_scores(training["evaluations"]),
    )


def _task(
    name: str, gate: Mapping[str, Any], measured: Mapping[str, Any] | None, plan: Mapping[str, Any]
) -> dict[str, Any]:
    """What the page shows of a task; of one that was not measured, the verdict alone."""
    shown = {"floor": None, **gate, "name": name, "measured": measured, "gated": None, "strip": None}
    if measured is None:
        return shown
    gated = measured["metrics"].get(gate["metric"])
    return shown | {
        "family": measured["family"],
        "rows": measured["rows"],
        "classes": measured["classes"],
        "plan": plan["tasks"][measured["task"]],
        "metrics": [{"name": metric, **values} for metric, values in measured["metrics"].items()],
        "gated": gated,
        "strip": gated and _strip(gated, shown["floor"]),
    }


def _auxiliary(evaluation: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What stands in place of a verdict on heads that are trained and measured, and not released."""
    why = "An auxiliary task, which is there for the others' sake: it is not judged and not released"
    return {
        head: {"gate": "auxiliary", "metric": next(iter(measured["metrics"])), "why": why}
        for head, measured in evaluation["tasks"].items()
        if plan["tasks"][measured["task"]].get("auxiliary")
    }


def _strip(metric: Mapping[str, Any], floor: float | None) -> charts.Strip:
    """This model, its champion and the baselines on one scale that holds 0 and 1, and the floor."""
    champion = metric["champion"] and metric["champion"]["value"]
    others = {"champion": champion, "TF-IDF linear": metric["linear"], "trivial": metric["trivial"]}
    own = charts.Value(
        "this model", metric["value"], render.score(metric["value"]), metric["interval"], own=True
    )
    rows = [
        charts.Value(name, value, render.score(value)) for name, value in others.items() if value is not None
    ]
    limits = [charts.Limit(f"floor {floor:.3f}", floor, "floor")] if floor is not None else []
    return charts.strip([own, *rows], limits, reach=(0.0, 1.0))


def _curves(evaluations: Sequence[Mapping[str, Any]]) -> charts.Lines | None:
    """Each head's validation score over the steps; one evaluation makes no curve."""
    if len(evaluations) < 2:
        return None
    heads = evaluations[-1]["validation"]
    series = {head: [(entry["step"], entry["validation"][head]) for entry in evaluations] for head in heads}
    return charts.lines(series)


def _scores(evaluations: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """The step and the scores of the last evaluation, if there was any."""
    if not evaluations:
        return None
    return {"step": evaluations[-1]["step"], "heads": list(evaluations[-1]["validation"].items())}
