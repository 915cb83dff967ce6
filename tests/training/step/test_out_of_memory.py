"""A step that the device's memory does not hold is repeated in smaller micro-batches.

The fault is injected: the encoder raises what torch raises, for micro-batches of more than so many tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from components import device as devices
from components import params
from components.errors import UserError
from components.files import read_json, sha256
from components.model.multitask import MultiTaskModel
from components.settings.training import Balancing
from components.tracking.terminal import Terminal
from components.training import parallel
from components.training.run.fit import run
from components.training.step import context
from components.training.step.stepper import Stepper
from tests.training.runs import MODEL, Stop, shorten, train
from tests.training.steps import first_batch, stepper

WAYS = [
    {"weights": "static"},
    {"weights": "gradnorm"},
    {"weights": "uncertainty", "combination": "pcgrad"},
    {"weights": "famo"},
    {"weights": "meta"},
]


def limit(model: MultiTaskModel, most: Callable[[], float]) -> None:
    def check(module, inputs, options) -> None:
        if options["input_ids"].numel() > most():
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    model.encoder.register_forward_pre_hook(check, with_kwargs=True)


def taken(root: Path, way: dict, budget: int, most: Callable[[], float] = lambda: 1e9) -> Stepper:
    engine = stepper(root, balancing=Balancing.model_validate(way), tokens_per_micro_batch=budget)
    limit(engine.model, most)
    engine.take(0, first_batch(root, engine))
    return engine


def assert_alike(one: Stepper, other: Stepper) -> None:
    for name, parameter in one.model.named_parameters():
        torch.testing.assert_close(other.model.get_parameter(name), parameter, rtol=1e-5, atol=1e-5)
    assert one.balancer.state().keys() == other.balancer.state().keys()


@pytest.mark.slow_after(1)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(way.values()))
def test_a_step_is_what_it_is_with_the_smaller_budget(encoded_project: Path, way: dict) -> None:
    small = taken(encoded_project, way, 100)
    halved = taken(encoded_project, way, 400, lambda: 100)
    assert halved.micro_batch_tokens == 100
    assert_alike(small, halved)


@pytest.mark.slow
@pytest.mark.parametrize("way", [{"weights": "famo"}, {"weights": "meta"}])
def test_what_is_looked_at_after_the_step_does_not_repeat_the_step(encoded_project: Path, way: dict) -> None:
    """The memory is too small only once the parameters have moved."""
    small = taken(encoded_project, way, 200)
    engine: list[Stepper] = []

    def most() -> float:
        moved = engine and engine[0].optimiser.state
        return 200 if moved else 1e9

    engine.append(
        stepper(encoded_project, balancing=Balancing.model_validate(way), tokens_per_micro_batch=400)
    )
    limit(engine[0].model, most)
    engine[0].take(0, first_batch(encoded_project, engine[0]))
    assert engine[0].micro_batch_tokens == 200
    assert_alike(small, engine[0])


def test_where_a_single_row_does_not_fit_nothing_has_changed(encoded_project: Path) -> None:
    engine = stepper(encoded_project, balancing=Balancing.model_validate({"combination": "pcgrad"}))
    limit(engine.model, lambda: 3)
    before = {name: p.clone() for name, p in engine.model.named_parameters()}
    with pytest.raises(UserError, match="step 0: out of memory even with a single row in each micro-batch"):
        engine.take(0, first_batch(encoded_project, engine))
    for name, parameter in engine.model.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is None
        assert parameter.requires_grad
    assert not engine.optimiser.state
    assert engine.balancer.state() == {}


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_a_resumed_run_keeps_the_smaller_budget(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shorten(10)
    states = MultiTaskModel.states

    def check(self, input_ids, mask, segment_ids, pack=None):
        if self.training and int(mask.sum()) > 200:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return states(self, input_ids, mask, segment_ids, pack)

    monkeypatch.setattr(MultiTaskModel, "states", check)
    expected = train()
    assert (
        "step 0: out of memory; repeated, and from here on, with micro-batches of 200 tokens "
        "(training.tokens_per_micro_batch was 400)"
    ) in capsys.readouterr().err.replace("\n", " ")
    with pytest.raises(KeyboardInterrupt):
        run(params.load(), Path(), Stop(6))
    (saved,) = Path(".onetrunk/checkpoints").glob("*/step-*/state.json")
    assert read_json(saved)["micro_batch_tokens"] == 200
    capsys.readouterr()
    monkeypatch.setattr(MultiTaskModel, "states", states)  # another process now leaves it more memory
    run(params.load(), Path(), Terminal())
    assert "out of memory" not in capsys.readouterr().err
    assert (sha256(MODEL), read_json(Path("reports/training.json"))) == expected


def test_rows_without_a_target_do_not_keep_a_step_from_giving_up(encoded_project: Path) -> None:
    """Rows of mood that size lacks are not encoded where size trains alone: fewer micro-batches than rows."""
    engine = stepper(encoded_project)
    for head in ("mood", "people", "closeness"):
        del engine.model.config.tasks[head]
    engine.shares = {"size": 1.0}
    limit(engine.model, lambda: 0)
    with pytest.raises(UserError, match="out of memory even with a single row"):
        engine.take(0, {"mood": first_batch(encoded_project, engine)["mood"]})


def test_one_of_several_processes_does_not_repeat_what_the_others_have_done(
    encoded_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stepper(encoded_project)
    limit(engine.model, lambda: 0)
    batch = first_batch(encoded_project, engine)
    monkeypatch.setattr(parallel, "alone", lambda: False)
    monkeypatch.setattr(parallel, "rank", lambda: 0)
    monkeypatch.setattr(parallel, "own_rows", lambda splits, rows: rows)
    with pytest.raises(UserError, match="in one of several processes; lower training.tokens_per_micro_batch"):
        engine.take(0, batch)


@pytest.mark.slow
def test_micro_batches_grow_until_memory_ends_and_never_again(
    encoded_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They double after each step that was cut; where one does not hold they are halved, and stay."""
    monkeypatch.setattr(devices, "counts_launches", lambda _: True)
    monkeypatch.setattr(context, "FIRST", 25)
    engine = stepper(encoded_project, tokens_per_micro_batch="auto")
    limit(engine.model, lambda: 130)
    batch, seen = first_batch(encoded_project, engine), []
    for step in range(5):
        engine.take(step, batch)
        seen.append(engine.micro_batch_tokens)
    assert seen == [50, 100, 200, 100, 100]


def test_micro_batches_of_a_cpu_do_not_grow(encoded_project: Path) -> None:
    engine = stepper(encoded_project, tokens_per_micro_batch="auto")
    engine.take(0, first_batch(encoded_project, engine))
    assert engine.micro_batch_tokens == context.FIRST
