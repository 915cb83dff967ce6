"""The mixture plan: from row counts and lengths to steps, shares and rows left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.data.encoding import EncodedSplit
from components.data.mixture import shares
from components.errors import UserError
from components.settings import Project


def plan(project: Project, encoded: Path, exclude: dict[str, list[str]]) -> dict[str, Any]:
    """Compose reports/plan.json.

    `exclude` names, per task, training rows whose text is held out in another task.

    Raises:
        UserError: a task has no training row left.
    """
    training = {name: EncodedSplit(encoded / name / "train.arrow") for name in project.tasks}
    excluded = {name: _numbers(training[name], exclude.get(name, [])) for name in project.tasks}
    usable = {name: len(split) - len(excluded[name]) for name, split in training.items()}
    for name, rows in usable.items():
        if not rows:
            raise UserError(f"encoded/{name}: no training row is left; all are held out in other tasks")
    share = shares(project.mixture, usable)
    mean_length = {name: float(split.tokens.mean()) for name, split in training.items()}
    budget = project.training
    rows_per_step = budget.tokens_per_step / sum(share[name] * mean_length[name] for name in share)
    steps = max(1, round(budget.tokens / budget.tokens_per_step))
    return {
        "steps": steps,
        "rows_per_step": rows_per_step,
        "window": budget.window,
        "tasks": {
            name: {
                "rows": len(training[name]),
                "excluded": excluded[name],
                "share": share[name],
                "mean_tokens": mean_length[name],
                "rows_drawn": round(steps * rows_per_step * share[name]),
                "epochs": steps * rows_per_step * share[name] / usable[name],
            }
            for name in project.tasks
        },
    }


def _numbers(split: EncodedSplit, ids: list[str]) -> list[int]:
    wanted = set(ids)
    return [number for number, identity in enumerate(split.ids()) if identity in wanted] if wanted else []
