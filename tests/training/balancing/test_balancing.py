"""Weighting and combination together; what a step that skips a task, or goes wrong, leaves alone; resuming."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from components.training.balancing import (
    Balance,
    Balancer,
    StepFacts,
    TaskFacts,
    combination,
    combination_names,
    weighting,
    weighting_names,
)

TASKS = {"a": TaskFacts(0.6), "b": TaskFacts(0.3), "c": TaskFacts(0.1, gaussian=True)}
OPTIONS = {"autoscale": {"explore": 18}, "dwa": {"period": 3}, "gradnorm": {"alpha": 0.5}}


def balancer(weights: str = "equal", combined: str = "sum") -> Balancer:
    return Balancer(weighting(weights)(**OPTIONS.get(weights, {})), combination(combined)())


def step_facts(step: int, tasks: dict[str, TaskFacts] = TASKS, drawn: tuple[str, ...] = ()) -> StepFacts:
    """Synthetic facts of a step, each a function of the step; now and then a task is not drawn."""
    random = np.random.default_rng(step)
    names = drawn or tuple(task for task in tasks if random.random() < 0.8) or ("a",)
    jacobian = random.normal(size=(len(names), 8))

    def numbers() -> dict[str, float]:
        return dict(zip(names, random.uniform(0.1, 3, len(names)).tolist(), strict=True))

    return StepFacts(0, step, tasks, numbers(), jacobian @ jacobian.T, numbers(), numbers(), numbers())


def run(which: Balancer, first: int, last: int, tasks: dict[str, TaskFacts] = TASKS) -> Iterator[object]:
    for step in range(first, last):
        facts = step_facts(step, tasks)
        yield which.weigh(facts)
        which.update(facts)


def test_every_method_of_the_issue_is_there() -> None:
    assert weighting_names() == sorted(
        [
            "static",
            "autoscale",
            "equal",
            "uncertainty",
            "loss_variance",
            "dwa",
            "gradnorm",
            "gradient_normalisation",
            "famo",
            "meta",
        ]
    )
    assert combination_names() == sorted(
        ["sum", "pcgrad", "mgda", "cagrad", "nash_mtl", "imtl_g", "aligned_mtl", "upgrad"]
    )
    with pytest.raises(KeyError):
        weighting("base")


@pytest.mark.parametrize("weights", weighting_names())
@pytest.mark.parametrize("combined", ["sum", "pcgrad"])
def test_n_steps_a_checkpoint_and_m_steps_are_n_plus_m_steps_bit_for_bit(weights: str, combined: str) -> None:
    whole = balancer(weights, combined)
    expected = list(run(whole, 0, 40))
    before, after = balancer(weights, combined), balancer(weights, combined)
    found = list(run(before, 0, 17))
    after.restore(json.loads(json.dumps(before.state(), allow_nan=False)))
    found += run(after, 17, 40)
    assert found == expected
    assert after.state() == whole.state()


@pytest.mark.parametrize("weights", weighting_names())
def test_a_state_is_a_copy(weights: str) -> None:
    original = balancer(weights)
    list(run(original, 0, 10))
    state = original.state()
    kept = json.dumps(state)
    resumed = balancer(weights)
    resumed.restore(state)
    list(run(original, 10, 20))
    list(run(resumed, 10, 15))
    assert json.dumps(state) == kept


@pytest.mark.parametrize("weights", weighting_names())
def test_a_task_that_the_step_did_not_draw_gets_no_weight_and_keeps_its_state(weights: str) -> None:
    which = balancer(weights)
    for step in range(6):
        which.update(step_facts(step, drawn=("a", "b", "c")))
    before = which.state()
    facts = step_facts(100, drawn=("a", "c"))
    assert set(which.weigh(facts).heads) == set(which.weigh(facts).shared) == {"a", "c"}
    which.update(facts)
    assert which.state().get("b") == before.get("b")
    assert (which.state() != before) == bool(before)  # the others' moved, where there is any


@pytest.mark.parametrize("weights", weighting_names())
@pytest.mark.parametrize(
    "field", ["losses", "norms", "losses_after", "alignments", "gramian_KK", "representation_KK"]
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_one_number_that_is_not_finite_leaves_the_state_alone(weights: str, field: str, value: float) -> None:
    which = balancer(weights)
    list(run(which, 0, 6))
    before = which.state()
    facts = step_facts(6, drawn=("a", "b"))
    if field.endswith("_KK"):
        facts = replace(facts, **{field: np.array([[1.0, value], [value, 1.0]])})
    else:
        getattr(facts, field)["b"] = value
    which.update(facts)
    assert which.state() == before
    with pytest.raises(FloatingPointError, match="step 6"):
        which.weigh(facts)


@pytest.mark.parametrize("weights", weighting_names())
def test_losses_and_gradients_of_any_size_give_weights_that_are_numbers(weights: str) -> None:
    """A task has all but converged and comes back, another has no gradient at all."""
    method, random = weighting(weights)(**OPTIONS.get(weights, {})), np.random.default_rng(0)
    for step in range(30):
        losses, norms = (
            dict(zip(TASKS, (10 ** random.uniform(-12, 6, 3)).tolist(), strict=True)) for _ in range(2)
        )
        losses["a"] = norms["a"] = 0.0 if step % 5 == 0 else norms["a"]
        jacobian = random.normal(size=(3, 8)) * np.array([*norms.values()])[:, None]
        facts = StepFacts(0, step, TASKS, losses, jacobian @ jacobian.T, norms, norms, norms)
        found = [*method.weights(facts).values()]
        assert np.isfinite(found).all() and min(found) >= 0
        method.update(facts)


@pytest.mark.parametrize("weights", weighting_names())
def test_asking_for_weights_changes_nothing(weights: str) -> None:
    """A step that overflows in half precision is weighed, but never learned from."""
    which = balancer(weights)
    list(run(which, 0, 5))
    before = which.state()
    facts = step_facts(5)
    assert which.weigh(facts) == which.weigh(facts)
    assert which.state() == before


@pytest.mark.parametrize("weights", weighting_names())
def test_tasks_may_come_and_go(weights: str) -> None:
    which = balancer(weights)
    list(run(which, 0, 8))
    without = {name: TASKS[name] for name in ("a", "c")}
    resumed = balancer(weights)
    resumed.restore(which.state())
    for balance in run(resumed, 8, 14, without):
        assert set(balance.heads) <= {"a", "c"}
        assert all(np.isfinite(weight) and weight >= 0 for weight in balance.heads.values())
    joined = {**without, "new": TaskFacts(0.2)}
    for balance in run(resumed, 14, 20, joined):
        assert all(np.isfinite(weight) and weight >= 0 for weight in balance.heads.values())
    totals = {"gradnorm": 3, "dwa": 3, "loss_variance": 1, "equal": 1, "famo": 1}
    everyone = resumed.weigh(step_facts(20, joined, ("a", "c", "new"))).heads
    if weights in totals:
        assert sum(everyone.values()) == pytest.approx(totals[weights])


@pytest.mark.parametrize("weights", weighting_names())
def test_the_order_of_the_tasks_does_not_matter(weights: str) -> None:
    forward, backward = balancer(weights), balancer(weights)
    for step in range(8):
        one = step_facts(step, drawn=("a", "b", "c"))
        turned = StepFacts(
            0,
            step,
            TASKS,
            dict(reversed(one.losses.items())),
            one.gramian_KK[::-1, ::-1],
            one.norms,
            one.losses_after,
            one.alignments,
        )
        assert forward.weigh(one).heads == pytest.approx(backward.weigh(turned).heads, rel=1e-9)
        forward.update(one)
        backward.update(turned)


def test_the_facts_to_gather_are_those_of_both_parts() -> None:
    assert balancer("static", "sum").needs(0) == frozenset()
    assert balancer("gradnorm", "pcgrad").needs(0) == {"norms", "gramian_KK"}
    assert balancer("famo", "sum").needs(0) == {"losses_after"}
    assert balancer("meta", "sum").needs(0) == {"alignments"}


def test_a_combination_works_on_the_weighted_gradients() -> None:
    """g1 = (1, 0), g2 = (-1, 1) with shares 0.6 and 0.3: PCGrad of (0.6, 0) and (-0.3, 0.3), by hand.

    <.,.> = -0.18. 0.6 g1 + 0.18/0.18 * 0.3 g2 = (0.3, 0.3); 0.3 g2 + 0.18/0.36 * 0.6 g1 = (0, 0.3).
    """
    jacobian = np.array([[1.0, 0.0], [-1.0, 1.0]])
    facts = StepFacts(0, 0, TASKS, {"a": 1.0, "b": 1.0}, jacobian @ jacobian.T)
    balance = balancer("static", "pcgrad").weigh(facts)
    assert balance.heads == {"a": 0.6, "b": 0.3}
    assert np.array(list(balance.shared.values())) @ jacobian == pytest.approx(np.array([0.3, 0.6]))


def test_with_a_plain_sum_the_shared_parameters_see_the_heads_weights() -> None:
    balance = balancer("static", "sum").weigh(step_facts(3))
    assert balance.shared == balance.heads


@pytest.mark.parametrize("combined", combination_names())
def test_a_task_without_a_gradient_stops_nobody(combined: str) -> None:
    jacobian = np.array([[1.0, 2.0], [0.0, 0.0], [2.0, 1.0]])
    facts = StepFacts(0, 0, TASKS, dict.fromkeys(TASKS, 1.0), jacobian @ jacobian.T)
    direction = np.array(list(balancer("equal", combined).weigh(facts).shared.values())) @ jacobian
    assert np.linalg.norm(direction) > 0.1


@pytest.mark.parametrize("combined", combination_names())
def test_a_single_task_keeps_its_gradient(combined: str) -> None:
    facts = StepFacts(0, 0, {"a": TaskFacts(1.0)}, {"a": 1.0}, np.array([[0.25]]))
    factor = balancer("equal", combined).weigh(facts).shared["a"]
    assert factor == pytest.approx({"cagrad": 1.4}.get(combined, 1.0))  # cagrad: (1 + c) g, as published


EACH = [(name, "sum") for name in weighting_names()] + [("equal", name) for name in combination_names()]


@pytest.mark.parametrize(("weights", "combined"), EACH)
def test_a_step_that_draws_no_task_weighs_none_and_teaches_nothing(weights: str, combined: str) -> None:
    """As where a step has fewer tokens than a row, or none of its rows has a label."""
    which = balancer(weights, combined)
    list(run(which, 0, 20))
    before, none = which.state(), np.zeros((0, 0))
    empty = StepFacts(0, 20, TASKS, {}, none, {}, {}, {}, none, none)
    assert which.weigh(empty) == Balance({}, {})
    which.update(empty)
    assert which.state() == before
