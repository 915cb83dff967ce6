"""`auto` follows what is faster here, or what the environment says of it; bf16 computes what fp32 does but for
rounding."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from components.errors import UserError
from components.settings.training import Balancing
from components.training.step import precision
from components.training.step.backward import StepBackward
from components.training.step.precision import SWITCH, autocast
from tests.training.steps import WAYS, first_batch, stepper

CPU = torch.device("cpu")
UNIT = 2.0**-8
"""A number in bf16 has 8 significant bits, so rounding to it moves it by 2^-8 of itself at most."""
ROUNDINGS = 64
"""Products that are rounded on the longest way to a gradient of the tiny model: eight in a block (query, key,
value, scores, attended, output, and two of the feed-forward) and as many weight and activation gradients
twice over, in two blocks, some more in the heads. They are independent, so errors grow with the root."""


@pytest.mark.parametrize(
    ("said", "asked", "expected"),
    [
        ("1", "auto", torch.bfloat16),
        ("0", "auto", torch.float32),
        ("0", "bf16", torch.bfloat16),
        ("1", "fp32", torch.float32),
        ("1", "fp16", torch.float16),
    ],
)
def test_auto_alone_asks_the_processor_and_believes_the_environment(
    said: str, asked: str, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, said)
    with autocast(CPU, asked):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected


@pytest.mark.parametrize(("gain", "expected"), [(3.4, "bf16"), (1.1, "fp32"), (0.4, "fp32")])
def test_where_the_environment_says_nothing_what_is_clearly_faster_is_taken(
    gain: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag of the hardware does not tell it; and what is asked for by name is not measured."""
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(precision, "gain", lambda: gain)
    assert precision.settled("auto", CPU) == expected
    assert precision.settled("auto", torch.device("meta")) == "fp32"
    monkeypatch.setattr(precision, "gain", pytest.fail)
    assert precision.settled("bf16", CPU) == "bf16"


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_is_asked_whether_it_has_bf16_and_not_timed(
    has: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a fast one a product is over before the next is launched; and an emulation does not count."""
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(precision, "gain", pytest.fail)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has)
    assert precision.settled("auto", torch.device("cuda")) == expected


def test_the_measurement_is_of_this_machine_and_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn of a smaller product: how fast each is is the machine's affair."""
    monkeypatch.setattr(precision, "ROWS", 64)
    precision.gain.cache_clear()
    before = torch.get_rng_state()
    assert 0 < precision.gain() < math.inf
    assert torch.equal(torch.get_rng_state(), before)
    precision.gain.cache_clear()


def test_another_word_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "yes")
    with pytest.raises(UserError, match=f"{SWITCH}: found 'yes' in the environment, expected 0 or 1"):
        precision.settled("auto", CPU)


def step(root: Path, way: str, **how: str) -> tuple[dict[str, float], torch.Tensor]:
    """The losses of a step, and its whole gradient; the weights of the tasks do not follow from them."""
    balancing = Balancing.model_validate(WAYS[way])
    engine = stepper(root, balancing=balancing, clip=1e9, tokens_per_micro_batch=90, **how)
    losses, _ = engine.take(0, first_batch(root, engine))
    gradients = [p.grad.flatten() for p in engine.model.parameters() if p.grad is not None]
    return losses, torch.cat(gradients)


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("way", ["plain", "norms", "per_task"])
def test_a_step_in_bf16_is_that_in_fp32_but_for_its_rounding(
    shared_project: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `auto` on a processor that has it; and on one that has not, `auto` is fp32 to the bit."""
    exact, exact_P = step(shared_project, way, precision="fp32")
    monkeypatch.setenv(SWITCH, "0")
    without, without_P = step(shared_project, way, precision="auto")
    assert without == exact
    assert torch.equal(without_P, exact_P)
    monkeypatch.setenv(SWITCH, "1")
    half, half_P = step(shared_project, way, precision="auto")
    error = float((half_P - exact_P).norm() / exact_P.norm())
    assert UNIT / 16 < error <= math.sqrt(ROUNDINGS) * UNIT  # below: it was not in bf16 at all
    assert half == pytest.approx(exact, rel=math.sqrt(ROUNDINGS / 2) * UNIT)  # of the forward pass alone


@pytest.mark.slow
@pytest.mark.parametrize(("said", "unit"), [("0", 2.0**-24), ("1", UNIT)])
def test_the_tasks_own_gradients_add_up_to_that_of_the_sum(
    shared_project: Path, said: str, unit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for rounding: in fp32, which has 24 significant bits, as in bf16."""
    monkeypatch.setenv(SWITCH, said)
    expected, expected_P = step(shared_project, "plain", precision="auto")
    engine = stepper(shared_project, precision="auto", tokens_per_micro_batch=90)
    engine.model.train()
    losses, gradients = StepBackward(engine, 0, first_batch(shared_project, engine)).per_task()
    gradients.apply(engine.shares, engine.shares)
    found_P = torch.cat([p.grad.flatten() for p in engine.model.parameters() if p.grad is not None])
    assert losses == pytest.approx(expected, rel=math.sqrt(ROUNDINGS / 2) * unit)
    assert float((found_P - expected_P).norm() / expected_P.norm()) <= math.sqrt(ROUNDINGS) * unit
