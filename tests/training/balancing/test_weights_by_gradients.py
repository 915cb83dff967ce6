"""Weightings by the length of gradients against the papers' arithmetic, worked out here, and autograd."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from components.training.balancing import TaskFacts, Weighting, weighting
from tests.training.balancing.tasks import TASKS, facts

# --- gradnorm ----------------------------------------------------------------------------------------


def test_gradnorm_by_hand() -> None:
    method = weighting("gradnorm")(alpha=1.0, learning_rate=0.1)
    tasks = {"a": TaskFacts(0.5), "b": TaskFacts(0.5)}
    first = facts({"a": 2.0, "b": 4.0}, 0, tasks, norms={"a": 1.0, "b": 3.0})
    assert method.weights(first) == {"a": 1.0, "b": 1.0}
    # All rates are 1, so the target is the mean norm 2: w_a rises, w_b falls, by Adam's first step
    # 0.1 each; 1.1 and 0.9 sum to 2 already.
    method.update(first)
    assert method.weights(first) == pytest.approx({"a": 1.1, "b": 0.9})


def test_gradnorm_gives_more_to_the_task_that_trains_slowly() -> None:
    method = weighting("gradnorm")(alpha=1.5)
    tasks = {"a": TaskFacts(0.5), "b": TaskFacts(0.5)}
    for step in range(40):
        losses = {"a": 1.0, "b": 0.95**step}
        method.update(facts(losses, step, tasks, norms={"a": 1.0, "b": 1.0}))
    weights = method.weights(facts({"a": 1.0, "b": 1.0}, 0, tasks))
    assert weights["a"] > 1.3
    assert 0 < weights["b"] < 0.7


def test_gradnorm_descends_the_papers_loss_as_autograd_and_torchs_adam_would() -> None:
    method = weighting("gradnorm")(alpha=0.5, learning_rate=0.025)
    w = torch.ones(3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([w], lr=0.025)
    random, start = np.random.default_rng(1), None
    for step in range(60):
        losses = dict(zip(TASKS, random.uniform(0.5, 2, 3).tolist(), strict=True))
        norms = dict(zip(TASKS, random.uniform(0.1, 5, 3).tolist(), strict=True))
        assert list(method.weights(facts(losses)).values()) == pytest.approx(w.detach().numpy(), rel=1e-9)
        values = torch.tensor(list(losses.values()), dtype=torch.float64)
        start = values if start is None else start
        g = w * torch.tensor(list(norms.values()), dtype=torch.float64)
        rate = values / start / (values / start).mean()
        optimiser.zero_grad()
        (g - (g.mean() * rate**0.5).detach()).abs().sum().backward()
        optimiser.step()
        with torch.no_grad():
            w *= 3 / w.sum()
        method.update(facts(losses, step, norms=norms))


def test_gradnorms_weights_stay_positive_and_sum_to_the_number_of_tasks() -> None:
    method = weighting("gradnorm")(learning_rate=0.5)
    random = np.random.default_rng(0)
    for step in range(200):
        drawn = [task for task in TASKS if random.random() < 0.7] or ["a"]
        losses = {task: float(random.uniform(0.01, 2)) for task in drawn}
        method.update(facts(losses, step, norms={task: float(random.uniform(0, 100)) for task in drawn}))
        weights = method.weights(facts(dict.fromkeys(TASKS, 1.0)))
        assert min(weights.values()) > 0
        assert sum(weights.values()) == pytest.approx(3)


def test_gradnorm_keeps_the_first_loss_in_its_state() -> None:
    method = weighting("gradnorm")()
    for step, loss in enumerate((8.0, 2.0, 1.0)):
        method.update(facts({"a": loss, "b": 1.0}, step, norms={"a": 1.0, "b": 1.0}))
    assert method.state()["a"]["first_loss"] == 8.0


# --- autoscale ---------------------------------------------------------------------------------------


def explored(method: Weighting, norms: Mapping[str, list[float]]) -> None:
    """Show it steps of gradients as long as these, from step 0 on; a task's 0 is a step that does not draw it."""
    for step in range(len(next(iter(norms.values())))):
        drawn = {task: values[step] for task, values in norms.items() if values[step]}
        squares = np.diag([norm**2 for norm in drawn.values()])
        method.update(facts(dict.fromkeys(drawn, 1.0), step, gramian_KK=squares))


def test_autoscale_explores_with_the_shares_and_then_makes_all_gradients_equally_long() -> None:
    method = weighting("autoscale")(explore=4)
    everyone = dict.fromkeys(TASKS, 1.0)
    assert [bool(method.needs(step)) for step in range(6)] == [False, False, True, True, False, False]
    # The first two steps are not looked at; of c the second half shows one step.
    explored(method, {"a": [90, 90, 1, 3], "b": [90, 90, 4, 4], "c": [90, 90, 0, 8]})
    assert method.weights(facts(everyone, 3)) == {"a": 0.6, "b": 0.3, "c": 0.1}
    fixed = method.weights(facts(everyone, 4))
    assert fixed == pytest.approx({"a": 4 / 7, "b": 2 / 7, "c": 1 / 7})  # 1/2 : 1/4 : 1/8
    n_K = np.array([2.0, 4.0, 8.0]) * list(fixed.values())
    similarity_KK = 2 * np.outer(n_K, n_K) / (n_K[:, None] ** 2 + n_K**2)
    assert similarity_KK == pytest.approx(np.ones((3, 3)))


def test_autoscales_weights_stay_as_they_are_after_the_exploration() -> None:
    method = weighting("autoscale")(explore=4)
    explored(method, {"a": [1, 1, 1, 3], "b": [1, 1, 4, 4], "c": [1, 1, 8, 8]})
    fixed, state = method.weights(facts({"a": 1.0, "c": 9.0}, 4)), method.state()
    for step in range(4, 9):
        method.update(facts({"a": 1.0, "c": 1.0}, step, gramian_KK=np.diag([100.0, 1.0])))
    assert method.weights(facts({"a": 5.0, "c": 0.1}, 9)) == fixed
    assert method.state() == state


def test_autoscale_makes_a_gradient_as_many_times_as_long_as_is_asked() -> None:
    method = weighting("autoscale")(explore=4, pull={"b": 1.5})
    assert method.of_run(1000).pull == {"b": 1.5}
    explored(method, {"a": [90, 90, 1, 3], "b": [90, 90, 4, 4], "c": [90, 90, 8, 8]})
    everyone = dict.fromkeys(TASKS, 1.0)
    assert method.weights(facts(everyone, 3)) == {"a": 0.6, "b": 0.3, "c": 0.1}  # not while it explores
    fixed = method.weights(facts(everyone, 4))
    lengths = {task: weight * n for (task, weight), n in zip(fixed.items(), [2.0, 4.0, 8.0], strict=True)}
    assert lengths["b"] / lengths["a"] == pytest.approx(1.5)
    assert lengths["c"] / lengths["a"] == pytest.approx(1.0)
    assert sum(fixed.values()) == pytest.approx(1.0)


def test_a_pull_is_that_of_a_task_that_learns_and_not_of_one_that_has_nothing_to_learn() -> None:
    """A large pull does not make next to nothing a gradient, nor what has a gradient one that has none."""
    method = weighting("autoscale")(explore=2, pull={"b": 1e-2, "c": 1e3})
    explored(method, {"a": [1, 1], "b": [1, 1], "c": [1, 1e-5]})
    weights = method.weights(facts(dict.fromkeys(TASKS, 1.0), 2))
    assert weights == pytest.approx({"a": 0.9 / 1.01, "b": 0.009 / 1.01, "c": 0.1})
    method = weighting("autoscale")(explore=2, pull={"a": 1e3})
    explored(method, {"a": [1, 1], "b": [1, 1], "c": [1, 1]})
    weights = method.weights(facts(dict.fromkeys(TASKS, 1.0), 2))
    assert weights["a"] / weights["b"] == pytest.approx(1e3)


def test_a_pull_of_an_unknown_task_is_refused() -> None:
    method = weighting("autoscale")(pull={"bb": 2.0})
    with pytest.raises(
        ValueError, match=r"^pull\.bb: not a task \(did you mean 'b'\?\); expected some of a, b, c$"
    ):
        method.check(list(TASKS))


def test_autoscale_explores_for_a_quarter_of_a_run_at_most() -> None:
    method = weighting("autoscale")()
    assert method.of_run(1000).explore == 50
    assert method.of_run(40).explore == 10
    shortest = method.of_run(3)
    assert not any(shortest.needs(step) for step in range(3))
    assert shortest.weights(facts(dict.fromkeys(TASKS, 1.0), 2)) == {"a": 0.6, "b": 0.3, "c": 0.1}


def test_autoscale_leaves_a_task_its_share_whose_gradient_nobody_has_seen() -> None:
    method = weighting("autoscale")(explore=2)
    explored(method, {"a": [1, 1], "b": [1, 3], "c": [1, 0]})
    weights = method.weights(facts(dict.fromkeys(TASKS, 1.0), 2))
    assert weights == pytest.approx({"a": 0.9 * 3 / 4, "b": 0.9 / 4, "c": 0.1})


@pytest.mark.parametrize("left", [1e-12, 1e-5])
def test_autoscale_leaves_a_task_its_share_that_has_nothing_to_learn(left: float) -> None:
    """Or it would take all the weight, and the other tasks would stand still for the rest of the run."""
    method = weighting("autoscale")(explore=2)
    explored(method, {"a": [1, 1], "b": [1, 3], "c": [1, left]})
    weights = method.weights(facts(dict.fromkeys(TASKS, 1.0), 2))
    assert weights == pytest.approx({"a": 0.9 * 3 / 4, "b": 0.9 / 4, "c": 0.1})
    two = {task: TASKS[task] for task in ("a", "b")}
    method = weighting("autoscale")(explore=2)
    explored(method, {"a": [1, 1], "b": [1, left]})
    assert method.weights(facts(dict.fromkeys(two, 1.0), 2, two)) == pytest.approx({"a": 0.6, "b": 0.3})


def test_autoscale_weighs_gradients_that_are_hundreds_of_times_as_long() -> None:
    method = weighting("autoscale")(explore=2)
    explored(method, {"a": [1, 1], "b": [1, 300], "c": [1, 90_000]})
    weights = method.weights(facts(dict.fromkeys(TASKS, 1.0), 2))
    assert weights["a"] / weights["b"] == pytest.approx(300)
    assert weights["b"] / weights["c"] == pytest.approx(300)


# --- gradient normalisation --------------------------------------------------------------------------


def test_gradient_normalisation_by_hand() -> None:
    jacobian = np.array([[3.0, 0.0], [0.0, 4.0]])  # |sum| = 5, sum of norms 7
    step = facts({"a": 1.0, "b": 1.0}, gramian_KK=jacobian @ jacobian.T)
    weights = weighting("gradient_normalisation")().weights(step)
    assert weights == pytest.approx({"a": 5 / 7 / 3, "b": 5 / 7 / 4})
    none = facts({"a": 1.0, "b": 1.0}, gramian_KK=np.diag([4.0, 0.0]))
    assert weighting("gradient_normalisation")().weights(none) == {"a": 0.5, "b": 0.0}
