"""Optimisers against their papers' arithmetic, worked out by hand, and pytorch_optimizer's own.

pytorch_optimizer's LAMB has no bias correction of the moments, |x| at most 10, and a rate divided by
1 - b1^t unless `adam_debias` is given. With it, on a small tensor without weight decay, the ratio undoes any
factor of the moments and both agree; weight decay is held to the arithmetic alone. Its LARS is that of the
paper at a constant rate.
"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pytorch_optimizer
import torch

from components.settings.training import Method
from components.training import optimisers
from components.training.run import checkpoint
from components.training.run.state import State
from tests.params.messages import complaint

ROOT = Path(__file__).parents[3]
GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]
NAMES = optimisers.names()


def built(name: str, *parameters: torch.nn.Parameter, **group: Any) -> torch.optim.Optimizer:
    given = {"lr": 0.1, "weight_decay": 0.0, "layer_adaptation": True, **group}
    return optimisers.build(Method(method=name), [{"params": list(parameters), **given}])


def parameter(*values: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor(values))


def test_there_are_four() -> None:
    assert NAMES == ["adamw", "lamb", "lars", "sgd"]


def test_lamb_by_hand() -> None:
    x = parameter(3.0, 4.0)
    optimiser = built("lamb", x, weight_decay=0.5)
    x.grad = torch.tensor([2.0, -1.0])
    optimiser.step()
    # After one step m / sqrt(v) is the sign of g: r + decay x = (1 + 1.5, -1 + 2), |x| = 5.
    ratio = 5 / math.hypot(2.5, 1.0)
    assert x.tolist() == pytest.approx([3 - 0.1 * ratio * 2.5, 4 - 0.1 * ratio * 1.0], rel=1e-5)

    before = x.tolist()
    x.grad = torch.tensor([-1.0, 3.0])
    optimiser.step()
    moments = [(0.9 * 0.1 * a + 0.1 * b, 0.999 * 0.001 * a**2 + 0.001 * b**2) for a, b in ((2, -1), (-1, 3))]
    pulls = [
        (m / (1 - 0.9**2)) / (math.sqrt(v / (1 - 0.999**2)) + 1e-6) + 0.5 * value
        for (m, v), value in zip(moments, before, strict=True)
    ]
    ratio = math.hypot(*before) / math.hypot(*pulls)
    assert x.tolist() == pytest.approx(
        [value - 0.1 * ratio * pull for value, pull in zip(before, pulls, strict=True)], rel=1e-5
    )


def test_lars_by_hand() -> None:
    x = parameter(3.0, 4.0)
    optimiser = built("lars", x, weight_decay=0.5)
    x.grad = torch.tensor([0.0, 2.5])
    optimiser.step()
    local = 0.001 * 5 / (2.5 + 0.5 * 5)
    velocity = [0.1 * local * 1.5, 0.1 * local * 4.5]
    assert x.tolist() == pytest.approx([3 - velocity[0], 4 - velocity[1]], rel=1e-6)

    before = x.tolist()
    optimiser.param_groups[0]["lr"] = 0.2  # the rate is inside the velocity: what was gathered keeps its own
    x.grad = torch.tensor([1.0, 0.0])
    optimiser.step()
    norm = math.hypot(*before)
    local = 0.001 * norm / (1.0 + 0.5 * norm)
    pulls = [1.0 + 0.5 * before[0], 0.5 * before[1]]
    velocity = [0.9 * v + 0.2 * local * pull for v, pull in zip(velocity, pulls, strict=True)]
    assert x.tolist() == pytest.approx([before[0] - velocity[0], before[1] - velocity[1]], rel=1e-7)
    assert optimiser.state[x]["velocity"].tolist() == pytest.approx(velocity, rel=1e-5)


def test_sgd_by_hand() -> None:
    x = parameter(1.0)
    optimiser = built("sgd", x, weight_decay=0.5)
    x.grad = torch.tensor([2.0])
    optimiser.step()
    assert x.item() == pytest.approx(1 - 0.1 * 2.5)
    optimiser.step()
    assert x.item() == pytest.approx(0.75 - 0.1 * (0.9 * 2.5 + 2 + 0.5 * 0.75))


def test_adamw_by_hand() -> None:
    x = parameter(1.0)
    optimiser = built("adamw", x, weight_decay=0.5)
    x.grad = torch.tensor([-7.0])
    optimiser.step()
    assert x.item() == pytest.approx(1 - 0.1 * 0.5 * 1 + 0.1, rel=1e-6)


@pytest.mark.parametrize("name", ["lamb", "lars"])
def test_it_goes_the_way_of_pytorch_optimizers(name: str) -> None:
    torch.manual_seed(0)
    start = 0.3 * torch.randn(4, 5)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    how: dict[str, float] = {"lamb": {"lr": 0.05}, "lars": {"lr": 5.0, "weight_decay": 0.1}}[name]
    if name == "lamb":
        their_own = pytorch_optimizer.Lamb([theirs], adam_debias=True, **how)
    else:
        their_own = pytorch_optimizer.LARS([theirs], **how)
    our_own = built(name, ours, **how)
    for _ in range(20):
        gradient = torch.randn(4, 5)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        our_own.step()
        their_own.step()
    assert not torch.allclose(ours, start, atol=1e-3)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["lamb", "lars"])
def test_without_layer_adaptation_no_norm_matters(name: str) -> None:
    small, large = parameter(0.1, 0.0), parameter(100.0, 0.0)
    optimiser = built(name, small, large, layer_adaptation=False)
    small.grad = large.grad = torch.tensor([0.0, 3.0])
    optimiser.step()
    assert small[1].item() == large[1].item() == pytest.approx({"lamb": -0.1, "lars": -0.3}[name])


@pytest.mark.parametrize("name", NAMES)
def test_a_tensor_of_zeros_leaves_zero_and_a_gradient_of_zeros_is_no_nan(name: str) -> None:
    zeros, still = parameter(0.0, 0.0), parameter(1.0, 2.0)
    optimiser = built(name, zeros, still)
    zeros.grad, still.grad = torch.tensor([1.0, 1.0]), torch.zeros(2)
    optimiser.step()
    assert zeros.max().item() < 0
    assert still.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("name", NAMES)
def test_pitfall_5_a_parameter_without_a_gradient_is_moved_by_nothing(name: str) -> None:
    absent, present = parameter(1.0, 2.0), parameter(1.0, 2.0)
    optimiser = built(name, absent, present, weight_decay=0.1)
    absent.grad = present.grad = torch.ones(2)
    optimiser.step()
    before, absent.grad = absent.detach().clone(), None  # now it has momentum
    optimiser.step()
    assert torch.equal(absent, before)
    assert not torch.equal(present, before)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
@pytest.mark.parametrize("name", NAMES)
def test_it_goes_on_from_a_checkpoint_to_the_bit(name: str, device: str, tmp_path: Path) -> None:
    """Also where a part of the model has not had a gradient yet."""

    def steps(model: torch.nn.Module, optimiser: torch.optim.Optimizer, numbers: range) -> None:
        for number in numbers:
            torch.manual_seed(number)
            optimiser.zero_grad()
            inputs = torch.randn(5, 3).to(device)
            (model[1](model[0](inputs)) if number > 3 else model[0](inputs)).pow(2).sum().backward()
            optimiser.step()

    def fresh() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(9)
        model = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 2)).to(device)
        return model, built(name, *model.parameters(), lr=0.01, weight_decay=0.1)

    model, optimiser = fresh()
    steps(model, optimiser, range(3))
    checkpoint.save(tmp_path, model, model.state_dict(), optimiser, State(step=3))
    steps(model, optimiser, range(3, 8))
    again, other = fresh()
    assert checkpoint.load_newest(tmp_path, again, other, print)
    steps(again, other, range(3, 8))
    for one, two in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ("optimiser: adam", "optimiser: unknown method 'adam' (did you mean 'adamw'?); expected one of adamw, lamb, lars, sgd"),
        ("optimiser: {method: sgd, momentun: 0.8}", "optimiser.momentun: unknown option (did you mean 'momentum'?)"),
        ("optimiser: {method: lamb, beta1: 1.0}", "optimiser.beta1: found 1.0, input should be less than 1"),
        ("layer_decay: 1.5", "layer_decay: found 1.5, input should be less than or equal to 1"),
        ("schedule: cosin", "schedule: found 'cosin', input should be 'linear', 'cosine' or 'constant' (did you mean 'cosine'?)"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(tiny_project: Path, chosen: str, sentence: str) -> None:
    said = complaint(tiny_project, "  window: 4", f"  window: 4\n  {chosen}")
    assert said.startswith(f"params.yaml: training.{sentence}")


@pytest.mark.slow
def test_settings_are_checked_without_torch() -> None:
    """`onetrunk check` answers in a fraction of a second."""
    code = (
        "import sys; from components.training import optimisers as o; [o.optimiser(n) for n in o.names()];"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr
