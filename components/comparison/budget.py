"""What a task gets when it trains alone: exactly the rows that the joint run draws of it, step by step.

The joint plan without the other tasks: a task's draws depend on its own entry, the steps and the rows
per step, so the same seed draws the same rows in the same steps, under the same schedule of the learning
rate. Where shares are dynamic, those of the start count: what a joint run decides, no other run can know.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.files import atomic_folder, read_json, write_json


def budgets(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """task -> the plan of its training alone, from that of all (reports/plan.json)."""
    return {name: {**plan, "keep": None, "tasks": {name: entry}} for name, entry in plan["tasks"].items()}


def write(root: Path) -> None:
    """reports/plan.json -> reports/sharing/budgets/TASK.json."""
    with atomic_folder(root / "reports/sharing/budgets") as folder:
        for name, plan in budgets(read_json(root / "reports/plan.json")).items():
            write_json(folder / f"{name}.json", plan)
