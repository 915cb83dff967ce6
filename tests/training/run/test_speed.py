"""What a machine needs for a token is kept for what it depends on."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from components import params
from components.data.batches.batching import step_rows
from components.data.mixture.outlook import tokens_of
from components.data.mixture.records import PLAN, PlanRecord
from components.training.run import measured, speed
from components.training.run.fit import Fit
from components.training.run.loop import Loop
from components.training.run.machine import FILE, Settled
from components.training.run.speed import Speed
from components.training.run.watcher import Watcher
from components.training.step.precision import SWITCH
from tests.scripts import ROOT


@pytest.mark.usefixtures("encoded_project")
def test_seconds_of_another_precision_do_not_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `auto` has become another since, as on a machine that settled otherwise."""
    monkeypatch.delenv(SWITCH, raising=False)
    project, root = params.load(), Path()
    Settled(machine="", gain=3.0, precision="bf16").write(FILE)
    timed = Speed(key=speed.key(project, root), steps=5, seconds_per_token=1.0, seconds_per_evaluation=1.0)
    timed.write(speed.FILE)
    assert speed.kept(project, root) == timed
    Settled(machine="", gain=0.5, precision="fp32").write(FILE)
    assert speed.kept(project, root) is None


@pytest.mark.usefixtures("encoded_project")
def test_seconds_of_other_heads_or_shares_do_not_serve() -> None:
    """Of five heads on the same rows an exact Gramian costs several times as much as of one."""
    project, root = params.load(), Path()
    mood = project.tasks["mood"]
    tasks = {
        "without a joint head": {**project.tasks, "mood": mood.model_copy(update={"joint": {}})},
        "cut shorter": {**project.tasks, "mood": mood.model_copy(update={"max_length": 8})},
    }
    changed = {what: project.model_copy(update={"tasks": one}) for what, one in tasks.items()}
    mixture = project.mixture.model_copy(update={"unit": "tokens"})
    changed["shares of tokens"] = project.model_copy(update={"mixture": mixture})
    keys = {what: speed.key(one, root) for what, one in changed.items()}
    assert len({speed.key(project, root), *keys.values()}) == 1 + len(keys)
    longer = project.training.model_copy(update={"tokens": 2 * project.training.tokens})
    assert speed.key(project.model_copy(update={"training": longer}), root) == speed.key(project, root)


def loop_of(**training: int) -> Loop:
    project = params.load()
    settings = project.training.model_copy(update={"precision": "fp32", **training})
    project = project.model_copy(update={"training": settings})
    return Fit(project, Path(), PlanRecord.read(PLAN), project.seed).loop(Watcher())


@pytest.mark.usefixtures("encoded_project")
def test_a_machine_that_takes_but_one_of_the_steps_takes_a_usual_one() -> None:
    loop = loop_of()
    warm_up, *timed = speed._spread(loop)
    sizes = [
        sum(int(loop.splits[task].tokens[rows].sum()) for task, rows in batch.items())
        for batch in (step_rows(loop.plan, loop.seed, step, loop.lengths) for step in range(speed.SPREAD))
    ]
    assert warm_up == timed[0]
    assert sizes[timed[0]] == sorted(sizes)[speed.SPREAD // 2]
    assert {sizes[step] for step in timed} >= {min(sizes), max(sizes)}
    assert len(timed) == speed.STEPS


@pytest.mark.usefixtures("encoded_project")
def test_an_evaluation_is_as_long_as_the_validation_rows_that_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a clock that ticks when it is looked at, each task's few rows take a second."""
    ticks, asked = itertools.count(), []
    monkeypatch.setattr(speed.time, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(measured, "evaluate", lambda model, splits, limit, *_: asked.append((*splits, limit)))
    loop = loop_of(validation_rows=100_000)
    rows = [len(split) for split in loop.validation.values()]
    assert max(rows) > speed.ROWS
    assert speed._evaluation(loop) == sum(max(1.0, count / speed.ROWS) for count in rows)
    assert asked == [
        (task, min(speed.ROWS, count)) for task, count in zip(loop.validation, rows, strict=True)
    ]


@pytest.mark.usefixtures("encoded_project")
def test_evaluations_that_are_rarer_than_a_draft_is_long_are_no_dearer() -> None:
    project, root, plan = params.load(), Path(), PlanRecord.read(PLAN)
    training = project.training.model_copy(update={"evaluate_every": 10 * plan.steps})
    project = project.model_copy(update={"training": training})
    key = speed.key(project, root)
    Speed(key=key, steps=5, seconds_per_token=0.01, seconds_per_evaluation=60.0).write(speed.FILE)
    assert speed.pace(root, project, plan) == pytest.approx(0.01 + 60 / (10 * tokens_of(plan)))


@pytest.mark.usefixtures("encoded_project")
def test_several_processes_are_so_many_times_as_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_steps", lambda loop: (10.0, 100, 5))
    monkeypatch.setattr(speed, "_evaluation", lambda loop: 3.0)
    project = params.load()
    training = project.training.model_copy(update={"precision": "fp32", "processes": 2})
    found = speed.measured(project.model_copy(update={"training": training}), Path(), PlanRecord.read(PLAN))
    assert (found.seconds_per_token, found.seconds_per_evaluation) == (0.05, 3.0)


@pytest.mark.slow
def test_what_was_timed_is_read_without_torch() -> None:
    """`onetrunk check` reads it."""
    code = "import sys; import components.training.run.speed; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
