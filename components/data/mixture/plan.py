"""The mixture plan: from row counts and lengths to steps, shares and rows left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from components.data.encoding.split import EncodedSplit
from components.data.mixture import easy_first, schedules
from components.data.mixture.draws import Plan, rows_before, shares
from components.data.mixture.schedules import Schedule
from components.errors import UserError
from components.settings.mixture import Auxiliary, Curriculum, EasyFirst, Mixture
from components.settings.project import Project


def plan(project: Project, encoded: Path, exclude: dict[str, list[str]]) -> dict[str, Any]:
    """Compose reports/plan.json.

    `exclude` names, per task, training rows whose text is held out in another task.

    Raises:
        UserError: a task has no training row left, or the run is too short to draw any.
    """
    training = {name: EncodedSplit(encoded / name / "train.arrow") for name in project.tasks}
    excluded = {name: _numbers(training[name], exclude.get(name, [])) for name in project.tasks}
    usable = {name: len(split) - len(excluded[name]) for name, split in training.items()}
    for name, rows in usable.items():
        if not rows:
            raise UserError(f"encoded/{name}: no training row is left; all are held out in other tasks")
    budget = project.training
    steps = max(1, round(budget.tokens / budget.tokens_per_step))
    over_steps = schedule(project.mixture, usable, steps)
    entries: dict[str, dict[str, Any]] = {
        name: {"rows": len(split), "excluded": excluded[name], "share": over_steps[name].total(steps) / steps}
        | _changes(over_steps[name])
        | _lengths(split, excluded[name], project.mixture.easy_first.get(name), steps)
        | ({"auxiliary": True} if name in project.mixture.auxiliary else {})
        for name, split in training.items()
    }
    rows_per_step = budget.tokens_per_step / sum(e["share"] * e["mean_tokens"] for e in entries.values())
    dynamic = project.mixture.dynamic
    whole = {
        "steps": steps,
        "rows_per_step": rows_per_step,
        "window": budget.window,
        "keep": dynamic.keep if dynamic else None,
        "tasks": entries,
    }
    _count(whole)
    return whole


def schedule(mixture: Mixture, rows: Mapping[str, int], steps: int) -> Mapping[str, Schedule]:
    """Each task's share over the steps of a run. Dynamic shares begin with those of the start."""
    if mixture.method == "round_robin":
        return schedules.alternating(dict.fromkeys(rows, 1))
    if mixture.method == "alternating":
        return schedules.alternating(mixture.blocks)
    if change := mixture.curriculum:
        start, end = shares(change.start, rows), shares(change.end, rows)
        return schedules.curriculum(start, end, *_ends(change, steps))
    if mixture.dynamic:
        return schedules.constant(shares(mixture.dynamic.start, rows))
    main = shares(mixture, {name: n for name, n in rows.items() if name not in mixture.auxiliary})
    falls = {name: (a.start, a.end, *_ends(a, steps)) for name, a in mixture.auxiliary.items()}
    return schedules.decayed(main, falls)


def _ends(change: Curriculum | Auxiliary, steps: int) -> tuple[int, int]:
    """The steps between which shares change."""
    finish = _finish(change.until, steps)
    return min(round(change.begin * steps), finish - 1), finish


def _finish(until: float, steps: int) -> int:
    return max(1, round(until * steps))


def _changes(over_steps: Schedule) -> dict[str, Any]:
    """The schedule, where the share changes at all."""
    constant = isinstance(over_steps, schedules.Knots) and len(over_steps.steps) == 1
    return {} if constant else {"schedule": asdict(over_steps)}  # type: ignore[call-overload]


def _lengths(split: EncodedSplit, excluded: list[int], easy: EasyFirst | None, steps: int) -> dict[str, Any]:
    """The mean tokens of a row that the run draws, and the stages of a task whose easy rows come first."""
    if easy is None:
        return {"mean_tokens": float(split.tokens.mean())}
    order = easy_first.easiest(split.difficulty(easy.by), excluded)
    stages = easy_first.stages(len(order), easy.first, _finish(easy.until, steps))
    mean = easy_first.mean_over_run(split.tokens[order], stages, steps)
    return {"mean_tokens": mean, "easy_first": easy.by, "stages": stages}


def _count(whole: dict[str, Any]) -> None:
    """Write down how many rows of each task the run draws."""
    drawn = Plan.from_json(whole)
    for name, entry in whole["tasks"].items():
        entry["rows_drawn"] = rows_before(drawn, name, drawn.steps)
        entry["epochs"] = entry["rows_drawn"] / drawn.tasks[name].usable
        if not entry["rows_drawn"]:
            raise UserError(
                f"params.yaml: mixture: a run of {drawn.steps} steps draws no row of {name}; "
                f"expected a larger share for it, or more training.tokens"
            )


def easiest(whole: Mapping[str, Any], training: Mapping[str, EncodedSplit]) -> dict[str, np.ndarray]:
    """The row numbers of the tasks whose easy rows come first, easiest first: once a run, for
    `Plan.from_json`."""
    return {
        name: easy_first.easiest(training[name].difficulty(entry["easy_first"]), entry["excluded"])
        for name, entry in whole["tasks"].items()
        if "easy_first" in entry
    }


def _numbers(split: EncodedSplit, ids: list[str]) -> list[int]:
    wanted = set(ids)
    return [number for number, identity in enumerate(split.ids()) if identity in wanted] if wanted else []
