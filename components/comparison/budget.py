"""What a task gets when it trains alone: exactly the rows that the joint run draws of it, step by step.

The joint plan without the other tasks: a task's draws depend on its own entry, the steps and the rows
per step, so the same seed draws the same rows in the same steps, under the same schedule of the learning
rate. Where shares are dynamic, those of the start count, and a run that may end before does not: what a joint
run decides, no other run can know.
"""

from __future__ import annotations

from pathlib import Path

from components.data.mixture.records import PLAN, PlanRecord
from components.files import atomic_folder


def budgets(plan: PlanRecord) -> dict[str, PlanRecord]:
    """task -> the plan of its training alone, from that of all (reports/plan.json)."""
    return {
        name: plan.model_copy(update={"keep": None, "cooldown": None, "tasks": {name: task}})
        for name, task in plan.tasks.items()
    }


def write(root: Path) -> None:
    """reports/plan.json -> reports/sharing/budgets/TASK.json."""
    with atomic_folder(root / "reports/sharing/budgets") as folder:
        for name, plan in budgets(PlanRecord.read(root / PLAN)).items():
            plan.write(folder / f"{name}.json")
