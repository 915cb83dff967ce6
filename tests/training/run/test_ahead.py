"""What is needed next is made ahead, and only what was asked for is given."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from components import device as devices
from components import params
from components.data.batches.batching import MicroBatch
from components.data.mixture.records import PlanRecord
from components.training.run import loop as loops
from components.training.run.ahead import Ahead
from components.training.run.fit import PLAN, Fit
from components.training.run.loop import Loop
from components.training.run.watcher import Watcher
from components.training.step import context


def test_the_next_values_are_made_before_they_are_asked_for_each_once() -> None:
    made = {key: threading.Event() for key in (1, 2, 3)}
    seen: list[int] = []

    def make(key: int) -> int:
        seen.append(key)
        made[key].set()
        return key

    ahead = Ahead(make)
    assert ahead.take(1, [2, 3]) == 1
    assert made[2].wait(60) and made[3].wait(60)
    assert ahead.take(2, [3]) == 2
    assert ahead.take(3, []) == 3
    ahead.close()
    assert seen == [1, 2, 3]


def test_wrong_guesses_are_thrown_away_with_their_errors() -> None:
    def make(key: int) -> int:
        if key == 2:
            raise ValueError("no such step")
        return 10 * key

    ahead = Ahead(make)
    assert ahead.take(1, [2, 3]) == 10
    assert ahead.take(4, [5]) == 40
    assert ahead.take(5, []) == 50
    ahead.close()


def test_what_is_at_work_on_a_wrong_guess_has_ended_before_another_is_made() -> None:
    begun, ended = threading.Event(), threading.Event()

    def make(key: int) -> bool:
        if key == 2:
            begun.set()
            ended.wait(0.2)  # nobody sets it: a moment for the next one to come
            ended.set()
        return ended.is_set()

    ahead = Ahead(make)
    assert not ahead.take(1, [2])
    assert begun.wait(60)
    assert ahead.take(3, [])
    ahead.close()


def test_an_error_of_what_was_made_ahead_is_raised_where_it_is_asked_for() -> None:
    ahead = Ahead(lambda key: 1 // key)
    assert ahead.take(1, [0]) == 1
    with pytest.raises(ZeroDivisionError):
        ahead.take(0, [])
    ahead.close()


def loop_of(**training: Any) -> Loop:
    """That of the tiny project in the current folder."""
    project = params.load()
    changed = project.training.model_copy(update={"precision": "fp32", **training})
    project = project.model_copy(update={"training": changed})
    return Fit(project, Path(), PlanRecord.read(PLAN), project.seed).loop(Watcher())


@pytest.mark.slow
@pytest.mark.parametrize("launches", [False, True], ids=["a CPU", "a GPU"])
@pytest.mark.usefixtures("shared_project")
def test_the_loop_makes_a_devices_next_steps_while_it_works_and_a_cpus_when_they_come(
    launches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, in the device's memory, and the steps are what they are without."""
    monkeypatch.setattr(devices, "counts_launches", lambda _: launches)
    made: dict[int, str] = {}
    brought: list[Any] = []
    prepare, bring = loops.prepare, loops.on_device

    def seen(stepper: Any, step: int, *others: Any) -> Any:
        assert step not in made
        made[step] = threading.current_thread().name.split("_")[0]
        return prepare(stepper, step, *others)

    monkeypatch.setattr(loops, "prepare", seen)
    monkeypatch.setattr(loops, "on_device", lambda one, to: brought.append(to) or bring(one, to))
    loop = loop_of()
    for _ in range(3):
        loop.step()
    loop.ahead.close()
    assert [made[step] for step in range(3)] == [
        "MainThread",
        *["next steps" if launches else "MainThread"] * 2,
    ]
    assert (len(made) > 3) == launches
    assert len(brought) == len(made)


def test_micro_batches_for_which_a_device_has_no_room_yet_stay_on_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are brought there when their turn comes, and what is in the way has gone."""
    empty = torch.zeros(1, 1, dtype=torch.int64)
    batches = [MicroBatch(empty, empty, empty, {}, {}) for _ in range(2)]

    def full(micro: MicroBatch, device: torch.device) -> MicroBatch:
        if micro is batches[1]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return MicroBatch(*micro.given[:3], {}, {}, on_host=micro)

    monkeypatch.setattr(MicroBatch, "to", full)
    prepared = loops.on_device(loops.Prepared({}, {}, {}, {}, list(batches)), torch.device("cuda"))
    assert all(found is given for found, given in zip(prepared.batches, batches, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("found", [False, True], ids=["still growing", "found"])
@pytest.mark.usefixtures("encoded_project")
def test_a_resumed_run_goes_on_with_the_micro_batches_that_memory_holds(
    found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not try larger ones again where they have failed."""
    monkeypatch.setattr(devices, "counts_launches", lambda _: True)
    monkeypatch.setattr(context, "FIRST", 25)

    def full(module: Any, inputs: Any, options: Any) -> None:
        if found and options["input_ids"].numel() > 80:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    loop = loop_of(tokens_per_micro_batch="auto")
    loop.model.encoder.register_forward_pre_hook(full, with_kwargs=True)
    for _ in range(3):
        loop.step()
    assert loop.stepper.grows != found
    loop.save()
    loop.ahead.close()
    again = loop_of(tokens_per_micro_batch="auto")
    again.resume()
    assert again.stepper.micro_batch_tokens == loop.stepper.micro_batch_tokens > 25
    assert again.stepper.grows != found
