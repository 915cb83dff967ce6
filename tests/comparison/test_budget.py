"""A task alone gets exactly the rows that the joint run draws of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components import params
from components.comparison.budget import budgets
from components.data.batches.batching import step_rows
from components.data.mixture import plan
from components.data.mixture.draws import Plan, rows_before
from components.data.mixture.records import PlannedTask, PlanRecord
from components.data.mixture.schedules import phase

MIXTURES = {
    "temperature": "{method: temperature, temperature: 2.0}",
    "curriculum": "{method: curriculum, curriculum: {start: {method: uniform}, end: {method: proportional}}}",
    "round_robin": "{method: round_robin}",
}


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("mixture", MIXTURES)
def test_the_same_rows_in_the_same_steps(encoded_project: Path, mixture: str) -> None:
    text = (encoded_project / "params.yaml").read_text()
    text = text.replace("{method: temperature, temperature: 2.0}", MIXTURES[mixture])
    (encoded_project / "params.yaml").write_text(text)
    whole = plan.plan(params.load(), Path("encoded"), {})
    assert [task.phase for task in whole.tasks.values()] == [phase(place) for place in range(3)]
    joint = Plan.of(whole)
    generator = np.random.default_rng(0)
    lengths = {name: generator.integers(5, 30, task.rows) for name, task in joint.tasks.items()}
    for name, budget in budgets(whole).items():
        alone = Plan.of(budget)
        assert list(alone.tasks) == [name]
        assert rows_before(alone, name, alone.steps) == whole.tasks[name].rows_drawn
        drawn = 0
        for step in range(joint.steps):
            rows = step_rows(alone, 3, step, lengths).get(name, np.empty(0))
            assert np.array_equal(rows, step_rows(joint, 3, step, lengths).get(name, np.empty(0)))
            drawn += len(rows)
        assert drawn == whole.tasks[name].rows_drawn


def test_a_budget_knows_nothing_of_the_other_tasks() -> None:
    """So that DVC repeats a task's runs alone only when its own budget changes."""
    task = PlannedTask(rows=9, excluded=[], share=0.5, mean_tokens=8.0, stages=[])
    other = task.model_copy(update={"excluded": [7]})
    tasks = {"a": task, "b": task}
    before = PlanRecord(steps=10, rows_per_step=4.0, window=2, keep=0.2, cooldown=0.25, tasks=tasks)
    after = before.model_copy(update={"tasks": {"a": task, "b": other}})
    assert budgets(before)["a"] == budgets(after)["a"]
    assert budgets(before)["b"] != budgets(after)["b"]
    assert budgets(before)["a"].keep is None  # shares that a joint run decides are its own
    assert budgets(before)["a"].cooldown is None  # and so is its end
