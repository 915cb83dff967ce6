"""A worker loads a release: one that is bad, late, hanging or given up changes nothing, and that is said."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from components.errors import UserError
from components.evaluation.answers import Exchange
from components.rollout.records import FORGOTTEN, PLAN, Plan, Target
from serving import loading, rollover
from serving.loaded import Loaded
from tests.serving.rollover.working import ask, canary, looks, raises, sampled, told

pytestmark = pytest.mark.slow  # bundles are made and loaded


def test_a_release_that_is_damaged_or_answers_otherwise_changes_nothing_and_that_is_said(
    worker: rollover.Rollover, targets: list[Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr(rollover.LOG, "error", lambda line, *values: log.append(line % values))
    damaged = Path(shutil.copytree(targets[1].bundle, tmp_path / "damaged"))
    (damaged / "model.safetensors").open("r+b").write(b"12345678")
    said = told(worker, Target(release="v1.0.2", bundle=str(damaged)))
    assert said.serving == "v1.0.0"
    assert "SHA-256 differs" in said.refused["v1.0.2"]
    wrong = {"sentiment": Exchange(question={"text": "Ada"}, answer={"label": "none of them"})}
    said = told(worker, targets[1].model_copy(update={"expected": wrong}))
    assert said.serving == "v1.0.0"
    assert "task 'sentiment' answers its example with" in said.refused["v1.0.1"]
    assert log[1].startswith("release v1.0.1 is not loaded, and v1.0.0 goes on: release v1.0.1: task")
    assert sampled("onetrunk_release_changes_total", outcome="refused") == 2
    assert ask(worker)[0][0] == "v1.0.0"
    assert told(worker, targets[1]).serving == "v1.0.1"  # once it is well


def test_a_release_whose_answers_are_no_numbers_takes_over_from_none_whatever_is_known_of_them(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loading.Loaded

    def broken(*given: Any) -> Loaded:
        found = real(*given)
        with torch.no_grad():
            for name, parameter in found.batcher.predictor.model.named_parameters():
                if "LayerNorm" in name:
                    parameter.fill_(torch.nan)
        return found

    monkeypatch.setattr(loading, "Loaded", broken)
    said = told(worker, targets[1])
    assert said.serving == "v1.0.0"
    assert "answers its example with" in said.refused["v1.0.1"]
    assert said.refused["v1.0.1"].endswith("expected numbers")


def test_a_release_that_comes_when_nobody_wants_it_any_more_is_ended(
    targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = loading._loaded, threading.Event()
    found: list[Loaded] = []

    def late(target: Target) -> Loaded:
        left.wait(10)
        found.append(real(target))
        return found[0]

    monkeypatch.setattr(loading, "_loaded", late)
    with pytest.raises(loading.UnwantedError):
        loading.load(targets[1], None, lambda: False)
    left.set()
    for thread in [one for one in threading.enumerate() if one.name == "loading"]:
        thread.join(30)
    found[0].batcher._thread.join(10)
    assert not found[0].batcher.alive


def test_the_model_of_a_release_that_does_not_answer_is_ended(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Loaded] = []
    monkeypatch.setattr(loading, "ask", lambda loaded, _: asked.append(loaded) or raises())
    assert told(worker, targets[1]).serving == "v1.0.0"
    asked[0].batcher._thread.join(10)
    assert not asked[0].batcher.alive


def test_of_several_workers_one_loads_at_a_time_for_as_long_as_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that of a release that ends whoever loads it two die, and not all."""
    monkeypatch.setattr(loading, "PAUSE", 0.01)
    looks: list[int] = []

    def wanted() -> bool:
        looks.append(0)
        return len(looks) < 3

    with loading.alone(tmp_path, lambda: True):
        with pytest.raises(loading.UnwantedError), loading.alone(tmp_path, wanted):
            pytest.fail("two load at once")
        assert len(looks) == 3
    with loading.alone(tmp_path, wanted):
        assert len(looks) == 3  # nobody waits who need not
    with loading.alone(tmp_path / "none", wanted):  # as where the disk is full
        assert len(looks) == 3


def test_a_candidate_that_passes_is_not_loaded_again(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1]))
    candidate = worker.releases.trying.candidate
    told(worker, targets[1])
    assert worker.releases.first is candidate
    assert isinstance(candidate, Loaded)


def test_a_candidate_that_takes_long_to_load_is_loaded_once(
    worker: rollover.Rollover, targets: list[Target], later: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, loads = rollover.load, []

    def slow(*given: Any) -> Loaded:
        later[0] += FORGOTTEN + 1
        os.utime(worker.folder / PLAN, (time.time() + 1,) * 2)  # as the watch does meanwhile
        loads.append(given[0].release)
        return real(*given)

    monkeypatch.setattr(rollover, "load", slow)
    told(worker, targets[0], canary(targets[1]))
    worker.look()
    assert worker.releases.trying is not None
    assert loads == ["v1.0.1"]


def test_what_is_loading_when_its_plan_is_gone_leaves_memory(
    targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Loaded] = []
    real = loading._loaded
    monkeypatch.setattr(loading, "_loaded", lambda target: made.append(real(target)) or made[0])

    def wanted() -> bool:
        while not made:
            time.sleep(0.01)
        raise UserError("plan.json: no such file")

    with pytest.raises(UserError, match="plan.json"):
        loading.load(targets[0], None, wanted)
    made[0].batcher._thread.join(10)
    assert not made[0].batcher.alive


@pytest.mark.usefixtures("hanging")
def test_a_release_that_hangs_while_it_is_loaded_is_refused_and_a_rollback_reaches_the_worker_before(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SECONDS", 0.2)
    said = told(worker, targets[1])
    assert said.serving == "v1.0.0"
    assert said.refused == {"v1.0.1": "release v1.0.1: it has not answered its examples after 0 s"}
    monkeypatch.setattr(loading, "SECONDS", 60.0)
    looking = looks(worker, Plan(champion=targets[1], trial=canary(targets[0])))
    Plan(champion=targets[0]).write(worker.folder / PLAN)
    looking.join(10)
    assert not looking.is_alive()
    assert told(worker, targets[0]).serving == "v1.0.0"
    assert worker.refused == {}


@pytest.mark.parametrize("between", ["another plan", "a torn one"])
def test_a_release_whose_plan_was_another_for_a_moment_is_loaded_at_once_and_not_refused(
    between: str, worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, begun = threading.Event(), threading.Event()
    monkeypatch.setattr(loading, "PAUSE", 0.01)
    with monkeypatch.context() as context:
        context.setattr(loading, "ask", lambda *_: begun.set() or ended.wait(60))
        looking = looks(worker, Plan(champion=targets[1]))
        begun.wait(10)
        if between == "another plan":
            Plan(champion=targets[0]).write(worker.folder / PLAN)
        else:
            (worker.folder / PLAN).write_text("{")
        looking.join(10)
        ended.set()
    assert worker.refused == {}
    assert sampled("onetrunk_release_changes_total", outcome="refused") == 0
    assert told(worker, targets[1]).serving == "v1.0.1"


def test_what_is_loaded_just_when_nobody_wants_it_any_more_leaves_memory(targets: list[Target]) -> None:
    begun = loading._Loading(targets[0])
    while begun._found.empty():
        time.sleep(0.01)
    batcher = begun._found.queue[0].batcher
    begun.leave()
    batcher._thread.join(10)
    assert not batcher.alive
