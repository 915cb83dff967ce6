"""A service follows its plan: another release takes over, and what the others answer with is known."""

from __future__ import annotations

import asyncio
import os
import weakref
from pathlib import Path

import pytest

from components.release import variables
from components.rollout.records import FORGOTTEN, PLAN, Target
from serving import bundle, group, rollover
from tests.serving.rollover.working import TEXT, ask, sampled, told

pytestmark = pytest.mark.slow  # bundles are made and loaded


def test_another_release_takes_over_and_the_old_one_is_freed_after_its_last_request(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    old = weakref.ref(worker.releases.first.batcher.predictor.model)
    (before,) = ask(worker)
    with worker.releases.use() as in_use:
        assert told(worker, targets[1]).serving == "v1.0.1"
        (after,) = ask(worker)
        answer = asyncio.run(in_use.batcher.answer([TEXT]))[0]  # a request that began before
        assert {task: one.model_dump() for task, one in answer.items()} == before[1]
        thread = in_use.batcher._thread
        del in_use, answer
    assert (before[0], after[0]) == ("v1.0.0", "v1.0.1")
    assert before[1] != after[1]
    thread.join(10)
    assert old() is None
    assert bundle.card().version == "000000000001"  # what /tasks and /metadata show
    assert sampled("onetrunk_release_changes_total", outcome="changed") == 1
    assert sampled("onetrunk_release", release="v1.0.1", part="first") == 1
    assert sampled("onetrunk_release", release="v1.0.0", part="first") == 0


def test_what_a_worker_answers_with_is_known_to_the_others(
    worker: rollover.Rollover, targets: list[Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(variables.WORKERS_FOLDER, "")
    group.found(1)
    group.join("v1.0.0")
    told(worker, targets[1])
    assert group.releases() == {"v1.0.1": 1}
    group.leave()


def test_that_nobody_tells_any_more_what_to_serve_is_said_once(
    worker: rollover.Rollover, targets: list[Target], later: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No rollback would reach the worker."""
    log: list[str] = []
    monkeypatch.setattr(rollover.LOG, "error", lambda line, *values: log.append(line % values))
    assert not rollover.Rollover(worker.releases, worker.folder).follows  # before it has looked
    told(worker, targets[0])
    for _ in range(2):
        log.clear()
        told(worker, targets[0])
        assert worker.follows
        later[0] += FORGOTTEN + 1
        for _ in range(3):
            worker.look()
        assert not worker.follows
        assert log == ["nobody tells this worker any more what to serve; start `onetrunk serve` anew"]


def test_a_plan_of_another_version_is_said_once_and_changes_nothing(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr(rollover.LOG, "error", lambda line, why, exc_info: log.append(f"{line % why}"))
    plan = worker.folder / PLAN
    plan.write_text(plan.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    said = worker.look_safely("")
    os.utime(plan, (1, 1))
    worker.look_safely(said)
    assert len(log) == 1
    assert "schema_version: found 2, expected 1" in log[0]
    assert worker.releases.first.served.name == "v1.0.0"
