"""Activations that are recomputed: the same gradients, dropout included, in less memory."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from components.errors import UserError
from components.model.multitask import MultiTaskModel
from components.settings.training import Balancing
from components.training.gradients.separate import task_gradients
from components.training.step.backward import StepBackward
from tests.model.encoders import ENCODERS
from tests.training.gradients.micros import CARDS, DISJOINT, JOINT, build, gathered, run
from tests.training.steps import WAYS, first_batch, stepper


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "precision"), [("plain", "fp32"), ("norms", "fp32"), ("ahead", "fp32"), ("per_task", "fp16")]
)
def test_every_way_of_backward_fills_the_same_gradients(
    shared_project: Path, way: str, precision: str
) -> None:
    """Over several micro-batches with dropout, which draws the same when it is computed again."""
    found = []
    for recompute in (False, True):
        balancing = Balancing.model_validate(WAYS[way])
        engine = stepper(shared_project, precision=precision, balancing=balancing, tokens_per_micro_batch=90)
        engine.scale.value = 64.0 if engine.scale.dynamic else 1.0
        for module in engine.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.3
        if recompute:
            engine.model.recompute_activations()
        engine.model.train()
        backward = StepBackward(engine, 0, first_batch(shared_project, engine))
        backward.fill()
        gradients = {n: p.grad.clone() for n, p in engine.model.named_parameters() if p.grad is not None}
        found.append((gradients, backward.alignments() if way == "ahead" else {}))
    (kept, ahead), (recomputed, ahead_recomputed) = found
    assert recomputed.keys() == kept.keys()
    for name, gradient in kept.items():
        torch.testing.assert_close(recomputed[name], gradient, rtol=1e-5, atol=1e-5)
    assert ahead_recomputed == pytest.approx(ahead, rel=1e-4)


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("name", ["modernbert", "deberta"])
def test_gradients_by_task_are_the_same_in_other_encoders(name: str, tmp_path: Path) -> None:
    """Heads over the same rows, too: their passes each compute the activations anew."""
    model = build(ENCODERS[name], tmp_path)
    kept = gathered(model, JOINT)
    model.recompute_activations()
    recomputed = gathered(model, JOINT)
    for parameter, stack in kept._stacks.of.items():
        torch.testing.assert_close(recomputed._stacks.of[parameter], stack, rtol=1e-5, atol=1e-5)


@pytest.mark.slow_after(1)
@pytest.mark.parametrize(("name", "by_task"), [("bert", False), ("bert", True), ("modernbert", True)])
def test_a_forward_pass_holds_less_than_a_third_of_the_memory(
    name: str, by_task: bool, tmp_path: Path
) -> None:
    model = build(ENCODERS[name], tmp_path)
    before = held(model, by_task)
    model.recompute_activations()
    assert held(model, by_task) < before / 3


def held(model: MultiTaskModel, by_task: bool) -> int:
    """Bytes that were allocated in a forward pass and not freed since."""
    with task_gradients(model, list(CARDS)) if by_task else contextlib.nullcontext():
        run(model, DISJOINT[0], 0)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            losses = run(model, DISJOINT[0], 0)
    assert losses
    return sum(event.self_cpu_memory_usage for event in seen.key_averages())


def test_an_encoder_that_cannot_is_refused_in_one_sentence(tmp_path: Path) -> None:
    model = build(ENCODERS["albert"], tmp_path)
    with pytest.raises(
        UserError, match="training.gradient_checkpointing: found true, but albert cannot recompute"
    ):
        model.recompute_activations()
