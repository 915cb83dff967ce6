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

MIXTURES = {
    "temperature": "{method: temperature, temperature: 2.0}",
    "curriculum": "{method: curriculum, curriculum: {start: {method: uniform}, end: {method: proportional}}}",
    "round_robin": "{method: round_robin}",
}


@pytest.mark.parametrize("mixture", MIXTURES)
def test_the_same_rows_in_the_same_steps(encoded_project: Path, mixture: str) -> None:
    text = (encoded_project / "params.yaml").read_text()
    text = text.replace("{method: temperature, temperature: 2.0}", MIXTURES[mixture])
    (encoded_project / "params.yaml").write_text(text)
    whole = plan.plan(params.load(), Path("encoded"), {})
    joint = Plan.from_json(whole)
    generator = np.random.default_rng(0)
    lengths = {name: generator.integers(5, 30, task.rows) for name, task in joint.tasks.items()}
    for name, budget in budgets(whole).items():
        alone = Plan.from_json(budget)
        assert list(alone.tasks) == [name]
        assert rows_before(alone, name, alone.steps) == whole["tasks"][name]["rows_drawn"]
        drawn = 0
        for step in range(joint.steps):
            rows = step_rows(alone, 3, step, lengths).get(name, np.empty(0))
            assert np.array_equal(rows, step_rows(joint, 3, step, lengths).get(name, np.empty(0)))
            drawn += len(rows)
        assert drawn == whole["tasks"][name]["rows_drawn"]


def test_a_budget_knows_nothing_of_the_other_tasks() -> None:
    """So that DVC repeats a task's runs alone only when its own budget changes."""
    shared = {"steps": 10, "rows_per_step": 4.0, "window": 2, "keep": 0.2}
    before = {**shared, "tasks": {"a": {"share": 0.5}, "b": {"share": 0.5, "excluded": []}}}
    after = {**shared, "tasks": {"a": {"share": 0.5}, "b": {"share": 0.5, "excluded": [7]}}}
    assert budgets(before)["a"] == budgets(after)["a"]
    assert budgets(before)["b"] != budgets(after)["b"]
    assert budgets(before)["a"]["keep"] is None  # shares that a joint run decides are its own
