"""The encoder is drawn back to what training began with, by hand and in a training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from components import params
from components.data.mixture.records import PLAN, PlanRecord
from components.training import start_decay
from components.training.parameter_groups import parameter_groups
from components.training.run.fit import Fit
from components.training.run.watcher import Watcher
from tests.training.steps import setup_step


def optimiser_of(parameter: torch.nn.Parameter, decay: float) -> torch.optim.Optimizer:
    group = {"params": [parameter], "lr": 0.1, "base_lr": 0.3, "start_decay": decay}  # a rate that has fallen
    found = torch.optim.SGD([group])
    start_decay.hold(found)
    return found


def test_each_step_goes_a_part_of_the_way_back() -> None:
    """With a constant gradient g the distance d obeys d' = (1 - r k)(d - r g), and ends at -(1 - r k) g / k."""
    parameter = torch.nn.Parameter(torch.tensor([3.0, -1.0]))
    optimiser, distance = optimiser_of(parameter, 2.0), torch.zeros(2)
    for _ in range(60):
        parameter.grad = torch.tensor([1.0, -2.0])
        optimiser.step()
        distance = 0.8 * (distance - 0.1 * parameter.grad)
        torch.testing.assert_close(parameter.detach(), torch.tensor([3.0, -1.0]) + distance)
    torch.testing.assert_close(distance, torch.tensor([-0.4, 0.8]))


def test_what_had_no_gradient_does_not_move() -> None:
    parameter = torch.nn.Parameter(torch.tensor([3.0]))
    optimiser = optimiser_of(parameter, 2.0)
    with torch.no_grad():
        parameter.fill_(5.0)
    optimiser.step()
    assert parameter.item() == 5.0


@pytest.mark.parametrize("decay", [0.0, 2.0])
def test_the_encoder_is_drawn_back_and_no_head(decay: float, shared_project: Path) -> None:
    *_, model = setup_step(shared_project)
    training = params.load().training.model_copy(update={"start_decay": decay, "layer_decay": 0.9})
    encoder = {id(parameter) for parameter in model.encoder.parameters()}
    for group in parameter_groups(model, training):
        inside = {id(parameter) in encoder for parameter in group["params"]}
        assert len(inside) == 1
        assert group["start_decay"] == (decay if inside == {True} else 0.0)


def test_a_training_draws_its_encoder_back(shared_project: Path) -> None:
    """A thousandth of its first step is left, where the rate times the decay is .999."""
    project = params.load(shared_project / "params.yaml")
    rate = project.training.learning_rate
    changes = {"start_decay": 0.999 / rate, "warmup": 0.0, "precision": "fp32"}
    training = project.training.model_copy(update=changes)
    plan = PlanRecord.read(shared_project / PLAN)
    fit = Fit(project.model_copy(update={"training": training}), shared_project, plan, 1)
    loop = fit.loop(Watcher())
    before = [parameter.detach().clone() for parameter in loop.model.encoder.parameters()]
    loop.step()
    moved = [
        (one - old).abs().max() for one, old in zip(loop.model.encoder.parameters(), before, strict=True)
    ]
    assert 0 < max(moved) < 0.01 * rate
