"""What the record says of the steps between two evaluations."""

from __future__ import annotations

import numpy as np
import pytest

from components.data.mixture.draws import Plan, TaskPlan
from components.data.mixture.schedules import Knots
from components.training.run import history
from components.training.run.records import ScheduledEvaluation
from components.training.run.state import Cosines, Entry


def test_cosines_are_those_of_the_gradients_whatever_the_order_of_the_heads() -> None:
    draw = np.random.default_rng(0)
    cosines: Cosines = {}
    expected = []
    for heads in (["b", "a"], ["a", "b"], ["a"]):  # a step need not draw every head
        gradients = draw.normal(size=(len(heads), 7)) * 3
        history.add_cosines(cosines, heads, gradients @ gradients.T)
        if len(heads) == 2:
            one, other = gradients
            expected.append(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
    found = history.means(cosines)
    assert list(found) == ["a"]
    assert found["a"]["b"] == pytest.approx(np.mean(expected))


def test_a_gradient_of_zero_has_no_cosine() -> None:
    cosines: Cosines = {}
    history.add_cosines(cosines, ["a", "b"], np.array([[4.0, 0.0], [0.0, 0.0]]))
    assert history.means(cosines) == {}


def test_the_mixture_is_the_mean_share_since_the_last_evaluation() -> None:
    """Shares on a line from 1 to 0 over ten steps: over steps 4 to 8 the mean is 0.4."""
    falls, rises = Knots((0, 10), (1.0, 0.0)), Knots((0, 10), (0.0, 1.0))
    tasks = {"a": TaskPlan(10, 0.5, schedule=falls), "b": TaskPlan(10, 0.5, schedule=rises)}
    plan = Plan(10, 4.0, 2, tasks)
    assert history.mixture(plan, [{"step": 4}], 8) == pytest.approx({"a": 0.4, "b": 0.6})
    assert history.mixture(plan, [], 10) == pytest.approx({"a": 0.5, "b": 0.5})


def test_the_history_has_the_keys_of_the_report() -> None:
    assert Entry.__annotations__.keys() == ScheduledEvaluation.model_fields.keys()
