"""Pitfall 1: in fp16 one scale serves all tasks, nothing sees it, and one task's overflow skips the step."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import numpy as np
import pytest
import torch

from components.settings.training import Balancing
from components.training.step import loss_scale
from components.training.step.backward import StepBackward
from components.training.step.loss_scale import LossScale
from components.training.step.stepper import NotFiniteError, ScaleOverflowError, Stepper
from tests.training.steps import WAYS, first_batch, stepper


def engine(root: Path, precision: str, way: str) -> Stepper:
    balancing = Balancing.model_validate(WAYS[way])
    return stepper(root, precision=precision, balancing=balancing, clip=1e9, tokens_per_micro_batch=90)


def everything(engine: Stepper) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in engine.model.state_dict().items()}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_pitfall_1_gradients_norms_and_gramian_are_those_of_unscaled_losses(
    shared_project: Path, way: str
) -> None:
    """The same as in fp32 but for rounding; the scale alone is a factor of 1024."""
    found = {}
    for precision in ("fp32", "fp16"):
        one = engine(shared_project, precision, way)
        one.scale.value = 1024.0 if one.scale.dynamic else 1.0
        one.model.train()
        backward = StepBackward(one, 0, first_batch(shared_project, one))
        facts, _ = backward.fill()
        gradients = {name: p.grad.clone() for name, p in one.model.named_parameters() if p.grad is not None}
        ahead = backward.alignments() if way == "ahead" else {}
        found[precision] = facts, gradients, ahead
    (exact, gradients, ahead), (facts, halves, halves_ahead) = found["fp32"], found["fp16"]
    norm = float(torch.nn.utils.get_total_norm(list(gradients.values())))
    for name, gradient in gradients.items():
        torch.testing.assert_close(halves[name], gradient, rtol=0.05, atol=0.01 * norm)
    assert facts.losses == pytest.approx(exact.losses, rel=0.01)
    assert facts.norms == (None if exact.norms is None else pytest.approx(exact.norms, rel=0.05))
    assert halves_ahead == pytest.approx(ahead, rel=0.2, abs=0.02)
    for name in ("gramian_KK", "representation_KK"):
        exact_KK, found_KK = getattr(exact, name), getattr(facts, name)
        assert (found_KK is None) == (exact_KK is None)
        assert exact_KK is None or np.abs(found_KK - exact_KK).max() < 0.05 * np.diag(exact_KK).max()


@pytest.mark.slow
@pytest.mark.parametrize("way", [way for way in WAYS if way != "losses"])  # famo divides by the loss
def test_pitfall_1_one_tasks_overflow_skips_the_step_and_the_balancers_update(
    shared_project: Path, way: str
) -> None:
    """All losses are finite, and the other tasks' gradients are."""
    one = engine(shared_project, "fp16", way)
    with torch.no_grad():
        one.model.heads["people"].output.weight.mul_(3e4)
    one.scale.value = 1024.0
    batch = first_batch(shared_project, one)
    others = {name: rows for name, rows in batch.items() if name != "people"}
    one.take(0, others)
    model, remembered, moments = (
        everything(one),
        one.balancer.state(),
        copy.deepcopy(list(one.optimiser.state.values())),
    )
    with pytest.raises(
        ScaleOverflowError,
        match="step 1: a gradient overflowed in fp16; the loss scale falls from 1024 to 512",
    ):
        one.take(1, batch)
    assert one.scale.state() == {"value": 512.0, "finite_steps": 0}
    assert one.balancer.state() == remembered
    for name, tensor in one.model.state_dict().items():
        assert torch.equal(tensor, model[name]), name
    for found, expected in zip(one.optimiser.state.values(), moments, strict=True):
        assert all(torch.equal(found[moment], tensor) for moment, tensor in expected.items())


@pytest.mark.slow
@pytest.mark.parametrize("way", ["plain", "per_task"])
def test_the_scale_falls_until_the_gradients_fit(shared_project: Path, way: str) -> None:
    one = engine(shared_project, "fp16", way)
    one.scale.value = 2.0**26
    batch, skipped = first_batch(shared_project, one), 0
    while not one.optimiser.state:
        try:
            one.take(skipped, batch)
        except ScaleOverflowError:
            skipped += 1
    assert one.scale.value == 2.0 ** (26 - skipped) < 2.0**26
    assert one.scale.finite_steps == 1


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_gradient_that_no_scale_would_help_is_not_finite(shared_project: Path, precision: str) -> None:
    """As where the root of a norm is taken at zero: the loss is finite, and the step is not to be taken."""
    one = engine(shared_project, precision, "plain")
    one.scale.value = 1.0
    weight = one.model.heads["mood"].output.weight
    weight.register_hook(lambda gradient: gradient / 0)
    before = everything(one)
    with pytest.raises(NotFiniteError, match="step 3: a gradient is not finite") as error:
        one.take(3, {"mood": np.arange(4)})
    assert not isinstance(error.value, ScaleOverflowError)
    assert torch.equal(weight, before["heads.task:mood.output.weight"])


def test_the_scale_moves_as_that_of_torchs_scaler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its `update` on a gradient that overflows at random steps; it grows after 20 steps for this."""
    monkeypatch.setattr(loss_scale, "GROWS_AFTER", 20)
    draw = random.Random(3)
    ours, theirs = LossScale("fp16"), torch.amp.GradScaler("cpu", growth_interval=20)
    weight = torch.nn.Parameter(torch.ones(1))
    optimiser = torch.optim.SGD([weight], lr=0.0)
    for _ in range(300):
        overflow = draw.random() < 0.07
        theirs.scale(torch.zeros(()))  # it makes its scale at the first
        weight.grad = torch.full((1,), float("inf") if overflow else 1.0)
        theirs.step(optimiser)
        theirs.update()
        (ours.on_overflow if overflow else ours.on_finite_step)()
        assert ours.value == theirs.get_scale()


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_other_precisions_have_no_scale(precision: str) -> None:
    scale = LossScale(precision)
    for _ in range(2001):
        scale.on_finite_step()
    assert scale.value == 1.0
    assert not scale.can_fall
