"""A task that comes in turns, alone: a step that is another task's moves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from components.comparison.budget import budgets
from components.data.mixture import plan
from components.tracking.terminal import Terminal
from components.training.run.fit import Fit


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_steps_without_rows_are_taken_without_harm() -> None:
    text = Path("params.yaml").read_text().replace("tokens: 12000", "tokens: 1800")
    Path("params.yaml").write_text(
        text.replace("{method: temperature, temperature: 2.0}", "{method: round_robin}")
    )
    project = params.load()
    budget = budgets(plan.plan(project, Path("encoded"), {}))["people"]
    model, record = Fit(project, Path(), budget, 3, ("people",)).train(Terminal())
    assert record[-1]["step"] == 6
    assert all(parameter.isfinite().all() for parameter in model.parameters())
