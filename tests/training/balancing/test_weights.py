"""Weightings by losses against the papers' arithmetic, worked out here, and against torch's own optimiser."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torchjd import scalarization

from components.training.balancing import weighting
from tests.training.balancing.tasks import TASKS, facts

# --- static ------------------------------------------------------------------------------------------


def test_static_weights_are_those_given_or_the_mixtures_shares() -> None:
    step = facts({"a": 1.0, "c": 2.0})
    assert weighting("static")().weights(step) == {"a": 0.6, "c": 0.1}
    given = weighting("static")(weights={"a": 3.0, "b": 1.0, "c": 0.5})
    assert given.weights(step) == {"a": 3.0, "c": 0.5}


def test_a_static_weight_that_is_missing_or_of_no_task_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"^weights\.bb: not a task \(did you mean 'b'\?\); expected one weight per task$"
    ):
        weighting("static")(weights={"a": 1.0, "bb": 1.0, "c": 1.0}).check(TASKS)
    with pytest.raises(ValueError, match=r"^weights\.c: missing; expected one weight per task$"):
        weighting("static")(weights={"a": 1.0, "b": 1.0}).check(TASKS)
    weighting("static")().check(TASKS)


def test_an_option_that_a_method_does_not_have_is_refused() -> None:
    with pytest.raises(ValidationError):
        weighting("dwa")(temprature=1.0)
    with pytest.raises(ValidationError):
        weighting("dwa")(temperature=0.0)


def test_equal_weights_are_one_over_the_number_of_tasks_drawn_or_not() -> None:
    assert weighting("equal")().weights(facts({"a": 1.0, "c": 2.0})) == {"a": 1 / 3, "c": 1 / 3}


# --- uncertainty -------------------------------------------------------------------------------------


def test_uncertainty_begins_with_the_papers_factors() -> None:
    weights = weighting("uncertainty")().weights(facts({"a": 2.0, "c": 2.0}))
    assert weights == {"a": 1.0, "c": 0.5}  # e^0 for a likelihood, e^0 / 2 for a squared error


def test_uncertainty_learns_as_autograd_and_torchs_adam_would() -> None:
    method = weighting("uncertainty")(learning_rate=0.05)
    s = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([s], lr=0.05)
    random = np.random.default_rng(0)
    for step in range(50):
        losses = {"a": float(random.uniform(0.5, 2)), "c": float(random.uniform(0.1, 0.5))}
        weights = method.weights(facts(losses, step))
        assert weights["a"] == pytest.approx(math.exp(-s[0].item()), rel=1e-9)
        assert weights["c"] == pytest.approx(0.5 * math.exp(-s[1].item()), rel=1e-9)
        optimiser.zero_grad()
        objective = torch.exp(-s[0]) * losses["a"] + 0.5 * torch.exp(-s[1]) * losses["c"] + 0.5 * s.sum()
        objective.backward()
        optimiser.step()
        method.update(facts(losses, step))


def test_uncertainty_comes_to_rest_where_the_paper_says() -> None:
    """d/ds (e^-s L + s/2) = 0 at e^-s = 1 / 2L; of a squared error, e^-s = 1 / L."""
    method = weighting("uncertainty")(learning_rate=0.05)
    for step in range(2000):
        method.update(facts({"a": 4.0, "c": 0.25}, step))
    weights = method.weights(facts({"a": 4.0, "c": 0.25}))
    assert weights == pytest.approx({"a": 1 / 8, "c": 0.5 * 4}, rel=1e-3)


# --- loss variance -----------------------------------------------------------------------------------


def test_loss_variance_weighs_by_the_running_deviation() -> None:
    method = weighting("loss_variance")()
    series = {"a": [1.0, 3.0, 2.0], "b": [10.0, 10.5], "c": [0.0, 8.0, 4.0]}
    assert method.weights(facts({"a": 1.0})) == {"a": 1 / 3}
    for step in range(3):
        drawn = {task: values[step] for task, values in series.items() if step < len(values)}
        method.update(facts(drawn, step))
    deviations = {task: np.std(values, ddof=1) for task, values in series.items()}
    total = sum(deviations.values())
    expected = {task: value / total for task, value in deviations.items()}
    assert method.weights(facts({"a": 5.0, "b": 5.0, "c": 5.0})) == pytest.approx(expected)


def test_loss_variance_keeps_its_digits_far_from_zero() -> None:
    method = weighting("loss_variance")()
    for step, value in enumerate([1e8, 1e8 + 1, 1e8 + 2]):
        method.update(facts({"a": value, "b": value / 1e8 * 2 + step, "c": float(step)}, step))
    weights = method.weights(facts({"a": 1.0, "b": 1.0, "c": 1.0}))
    assert weights["a"] == pytest.approx(1 / 3, rel=1e-6)


# --- dwa ---------------------------------------------------------------------------------------------


def test_dwa_by_hand() -> None:
    method = weighting("dwa")(temperature=2.0, period=2)
    periods = {"a": [(4.0, 4.0), (1.0, 3.0)], "b": [(2.0, 2.0), (2.0, 2.0)], "c": [(1.0, 3.0), (6.0, 2.0)]}
    for step in range(4):
        losses = {task: values[step // 2][step % 2] for task, values in periods.items()}
        assert method.weights(facts(losses, step)) == {"a": 1.0, "b": 1.0, "c": 1.0}
        method.update(facts(losses, step))
    # means 4 -> 2, 2 -> 2, 2 -> 4: rates 1/2, 1, 2; w = 3 softmax(rates / 2)
    raised = {"a": math.exp(0.25), "b": math.exp(0.5), "c": math.exp(1.0)}
    expected = {task: 3 * value / sum(raised.values()) for task, value in raised.items()}
    assert method.weights(facts({"a": 9.0, "b": 9.0, "c": 9.0}, 4)) == pytest.approx(expected)


def test_dwa_is_torchjds() -> None:
    ours, theirs = weighting("dwa")(period=5), scalarization.DWA()
    random = np.random.default_rng(0)
    for step in range(25):
        losses = dict(zip(TASKS, random.uniform(0.5, 2, 3).tolist(), strict=True))
        values = torch.tensor(list(losses.values()), dtype=torch.float64, requires_grad=True)
        theirs(values).backward()
        assert list(ours.weights(facts(losses, step)).values()) == pytest.approx(
            values.grad.numpy(), rel=1e-6
        )
        ours.update(facts(losses, step))
        if step % 5 == 4:
            theirs.step()


def test_dwa_counts_periods_by_the_step_even_if_their_first_step_was_skipped() -> None:
    whole, skipped = weighting("dwa")(period=3), weighting("dwa")(period=3)
    for step in range(9):
        losses = {"a": 3.0 - step // 3, "b": 1.0, "c": 1.0}
        whole.update(facts(losses, step))
        if step % 3 != 0:
            skipped.update(facts(losses, step))
    assert skipped.weights(facts({"a": 1.0}, 9)) == pytest.approx(whole.weights(facts({"a": 1.0}, 9)))


# --- famo --------------------------------------------------------------------------------------------


def test_famo_by_hand() -> None:
    method = weighting("famo")(learning_rate=0.1, weight_decay=0.0)
    first = facts({"a": 1.0, "b": 3.0})
    assert method.weights(first) == pytest.approx({"a": 0.75, "b": 0.25})  # z = 1/2; 1/L, scaled to sum 1
    # a falls by log 2, b not at all: z (fall - mean) = +- log(2) / 4, so Adam's first step takes 0.1
    # from the logit of a and gives it to b.
    method.update(dataclasses.replace(first, losses_after={"a": 0.5, "b": 3.0}))
    logits = {task: memory["logit"] for task, memory in method.state().items()}
    assert logits == pytest.approx({"a": -0.1, "b": 0.1})


def test_famo_is_torchjds() -> None:
    ours, theirs = weighting("famo")(), scalarization.FAMO(3).double()
    random = np.random.default_rng(0)
    for step in range(50):
        before, after = random.uniform(0.5, 2, 3), random.uniform(0.4, 2, 3)
        values = torch.tensor(before, requires_grad=True)
        theirs(values).backward()
        losses = dict(zip(TASKS, before.tolist(), strict=True))
        assert list(ours.weights(facts(losses)).values()) == pytest.approx(values.grad.numpy(), rel=1e-6)
        theirs.update(torch.tensor(after))
        ours.update(facts(losses, step, losses_after=dict(zip(TASKS, after.tolist(), strict=True))))


def test_famos_direction_ignores_the_scale_of_each_loss() -> None:
    plain, scaled = weighting("famo")(), weighting("famo")()
    scale, random = {"a": 1e3, "b": 1.0, "c": 1e-2}, np.random.default_rng(0)
    for step in range(30):
        before = {task: float(random.uniform(0.5, 2)) for task in TASKS}
        after = {task: float(random.uniform(0.5, 2)) for task in TASKS}
        plain.update(facts(before, step, losses_after=after))
        times = lambda losses: {task: loss * scale[task] for task, loss in losses.items()}  # noqa: E731
        scaled.update(facts(times(before), step, losses_after=times(after)))
        first, second = plain.weights(facts(before)), scaled.weights(facts(times(before)))
        pull = [second[task] * scale[task] / first[task] for task in TASKS]  # w_i g_i, g_i scaled as well
        assert pull == pytest.approx([pull[0]] * 3, rel=1e-5)


def test_famo_asks_for_the_losses_after_the_step_as_often_as_it_is_told() -> None:
    method = weighting("famo")(every=4)
    assert [bool(method.needs(step)) for step in range(5)] == [True, False, False, False, True]
    method.update(facts({"a": 1.0}))  # a step that did not ask
    assert method.state() == {}


# --- meta --------------------------------------------------------------------------------------------


def test_metas_derivative_is_that_of_the_loss_after_a_look_ahead_step() -> None:
    """d/dw_i L(theta - eta sum w_i g_i) = -eta <grad L(theta'), g_i>, by finite differences."""
    random = np.random.default_rng(0)
    jacobian, target = random.normal(size=(3, 6)), random.normal(size=6)
    w, eta = np.full(3, 0.1), 0.3

    def held_out(weights: np.ndarray) -> float:
        return 0.5 * float(((-eta * weights @ jacobian - target) ** 2).sum())

    v = -eta * w @ jacobian - target
    numeric = [(held_out(w + 1e-6 * e) - held_out(w - 1e-6 * e)) / 2e-6 for e in np.eye(3)]
    assert -eta * jacobian @ v == pytest.approx(numeric, rel=1e-6)
    method = weighting("meta")(learning_rate=0.01)
    method.update(
        facts(dict.fromkeys(TASKS, 1.0), alignments=dict(zip(TASKS, (jacobian @ v).tolist(), strict=True)))
    )
    after = method.weights(facts(dict.fromkeys(TASKS, 1.0)))
    assert [after[task] for task in TASKS] == pytest.approx(0.1 - 0.01 * np.sign(numeric), rel=1e-6)


def test_meta_switches_a_harmful_task_off_and_never_below_nothing() -> None:
    method = weighting("meta")(learning_rate=0.01)
    for step in range(50):
        method.update(facts({"a": 1.0, "b": 1.0}, step, alignments={"a": 1.0, "b": -1.0}))
    weights = method.weights(facts({"a": 1.0, "b": 1.0}))
    assert weights["a"] > 0.5
    assert weights["b"] == 0.0
    for step in range(50, 80):
        method.update(facts({"a": 1.0, "b": 1.0}, step, alignments={"a": 1.0, "b": 1.0}))
    assert method.weights(facts({"b": 1.0}))["b"] > 0  # no debt to pay back first
