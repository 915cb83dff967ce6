"""How a trial ends: it hangs, its model stops, nobody watches over it, its clock is set."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from pathlib import Path

import pytest
import torch

from components.rollout.records import FORGOTTEN, PLAN, Target
from serving import loading, rollover, trial
from serving.loaded import Loaded
from serving.releases import Releases
from serving.requests import LateError
from tests import disks
from tests.serving.rollover.working import TEXT, ask, canary, marks, raises, told, until

pytestmark = pytest.mark.slow  # bundles are made and loaded


def test_no_trial_begins_beside_another_release_than_the_plans_champion(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the candidate were compared with would not be what it is to replace."""
    monkeypatch.setattr(rollover, "load_champion", raises)
    assert told(worker, targets[1], canary(targets[0])).trying is None


def test_a_canary_that_hangs_falls_back(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1]))
    counts, ended = worker.counts["now"], threading.Event()
    predictor = worker.releases.trying.candidate.batcher.predictor
    monkeypatch.setattr(predictor, "answer", lambda *_: ended.wait(60))
    for _ in range(100):
        worker.releases.trying.evidence.answered(False, 0.2, None)

    async def impatient() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(worker.releases.answer([TEXT], ["sentiment"], None), 0.3)

    async def all_of_them() -> None:
        await asyncio.gather(*(impatient() for _ in range(150)))

    asyncio.run(all_of_them())
    ended.set()
    assert counts.answered == 0
    assert "slow" in (counts.worse() or "")


@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_a_trial_that_has_ended_answers_and_counts_nothing_any_more(
    kind: str, worker: rollover.Rollover, targets: list[Target]
) -> None:
    """Of requests, that is, which were drawn just before."""
    told(worker, targets[0], canary(targets[1], share=0.999, kind=kind))
    trying, counts = worker.releases.trying, worker.counts["now"]
    told(worker, targets[0])

    async def scenario() -> None:
        for _ in range(3):
            by, answers = await trying.answer([TEXT], None, None)
            assert by.name == "v1.0.0"
        if kind == "shadow":
            await trying._compare_one(trial.Answered(TEXT, None, None, answers[0]))

    asyncio.run(scenario())
    assert (counts.answered, counts.compared) == (0, 0)
    assert [one.rounds for one in counts.tests.values()] == [0, 0, 0]  # nor has it failed


@pytest.mark.parametrize("how", ["it stays as it was", "it is gone", "it is torn"])
def test_a_trial_that_nobody_watches_over_ends_and_goes_on_when_somebody_does(
    how: str, worker: rollover.Rollover, targets: list[Target], later: list[float]
) -> None:
    plan = worker.folder / PLAN
    assert told(worker, targets[0], canary(targets[1])).trying == "v1.0.1"
    whole = plan.read_text()
    if how == "it is torn":
        plan.write_text(whole[:100])
    if how == "it is gone":
        plan.unlink()
    worker.look_safely("")
    assert worker.releases.trying is not None
    later[0] = FORGOTTEN + 1
    worker.look_safely("")
    assert worker.releases.trying is None
    plan.write_text(whole)
    worker.look()
    assert worker.releases.trying is not None


def test_a_worker_that_is_started_again_begins_no_trial_that_nobody_watches_over(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    """A candidate that ends its worker would end it for ever, for nobody counts that."""
    told(worker, targets[0], canary(targets[1]))
    again = rollover.Rollover(Releases(worker.releases.first), worker.folder)
    again.look()
    assert again.releases.trying is None
    os.utime(worker.folder / PLAN)
    again.look()
    assert again.releases.trying is not None


def test_a_clock_that_is_set_ends_no_trial_and_keeps_none_alive(
    worker: rollover.Rollover, targets: list[Target], later: list[float]
) -> None:
    plan = worker.folder / PLAN
    told(worker, targets[0], canary(targets[1]))
    for shifted in (-86_400, 86_400):
        os.utime(plan, (time.time() + shifted,) * 2)
        worker.look()
        assert worker.releases.trying is not None
    later[0] = FORGOTTEN + 1
    worker.look()
    assert worker.releases.trying is None


@pytest.mark.parametrize(("patience", "longest"), [(0.2, 30.0), (6.0, 2.0)])
def test_a_canary_that_hangs_holds_nobody_up_beyond_its_patience_or_when_answers_are_due(
    worker: rollover.Rollover,
    targets: list[Target],
    monkeypatch: pytest.MonkeyPatch,
    patience: float,
    longest: float,
) -> None:
    """Each that it holds up is a failure, also of those behind the one that it hangs at."""
    monkeypatch.setattr(trial, "PATIENCE", patience)
    told(worker, targets[0], canary(targets[1]))
    ended = hang(worker, monkeypatch)
    monkeypatch.setattr(worker.releases.trying.candidate.batcher, "most_seconds", longest)
    start = time.monotonic()
    assert {name for name, _ in ask(worker, 60)} == {"v1.0.0"}
    assert time.monotonic() - start < patience + 4
    assert worker.counts["now"].worse() == "it fails more often"
    ended.set()


def test_who_is_refused_at_once_shows_nothing_of_a_candidate(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1]))
    monkeypatch.setattr(worker.releases.trying.candidate.batcher, "_most", lambda _: -1.0)
    assert {name for name, _ in ask(worker, 60)} == {"v1.0.0"}
    assert worker.counts["now"].tests["errors"].rounds == 0


def test_what_the_release_beside_a_canary_is_late_with_is_held_against_it(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], share=0.001))
    batcher = worker.releases.first.batcher
    monkeypatch.setattr(batcher, "most_seconds", 0.5)
    answer = batcher.predictor.answer
    monkeypatch.setattr(batcher.predictor, "answer", lambda *given: time.sleep(2) or answer(*given))

    async def all_of_them() -> list[object]:
        asked = [worker.releases.answer([TEXT], ["sentiment"], None) for _ in range(60)]
        return await asyncio.gather(*asked, return_exceptions=True)

    late = [one for one in asyncio.run(all_of_them()) if isinstance(one, LateError)]
    assert len(late) >= 5
    assert worker.counts["now"].tests["errors"].rounds == len(late)
    assert worker.counts["now"].tests["errors"].sum == 0


def hang(worker: rollover.Rollover, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The candidate's model goes on only after this."""
    ended = threading.Event()
    predictor = worker.releases.trying.candidate.batcher.predictor
    answer = predictor.answer
    monkeypatch.setattr(predictor, "answer", lambda *given: ended.wait(60) and answer(*given))
    return ended


def test_a_shadow_that_hangs_delays_nobody_and_falls_back(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr(rollover.LOG, "error", lambda line, *values: log.append(line % values))
    told(worker, targets[0], canary(targets[1], kind="shadow", share=1.0))
    ended, counts = hang(worker, monkeypatch), worker.counts["now"]
    ask(worker, 3)
    assert counts.tests["errors"].rounds == 0  # it is not given up yet
    monkeypatch.setattr(trial, "PATIENCE", 0.2)
    ask(worker, 3, then=until(lambda: counts.worse() is not None))
    worker.look()
    assert worker.releases.trying is None
    assert log == ["the trial of v1.0.1 ends in this worker: it fails more often"]
    assert told(worker, targets[0], canary(targets[1], kind="shadow", share=0.5)).trying is None
    ended.set()


@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_who_answers_with_numbers_that_are_none_fails(
    kind: str, worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], kind=kind))
    model = worker.releases.trying.candidate.batcher.predictor.model
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "LayerNorm" in name:
                parameter.fill_(torch.nan)
    counts = worker.counts["now"]
    answers = ask(worker, 60, names=["sentiment"], then=until(lambda: counts.worse() is not None))
    assert {name for name, _ in answers} == {"v1.0.0"}
    assert counts.worse() == "it fails more often"
    assert counts.answered == 0


def test_a_candidate_whose_model_has_stopped_fails(worker: rollover.Rollover, targets: list[Target]) -> None:
    told(worker, targets[0], canary(targets[1]))
    batcher = worker.releases.trying.candidate.batcher
    batcher.close()
    batcher._thread.join(10)
    assert {name for name, _ in ask(worker, 60)} == {"v1.0.0"}
    assert worker.counts["now"].worse() == "it fails more often"


def test_a_mark_is_there_for_as_long_as_the_trial_goes_on(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1]))
    assert marks(worker) == [b"0now"]
    with worker.releases.trying.mark.at_work():
        assert marks(worker) == [b"1now"]
    told(worker, targets[1])
    assert marks(worker) == []
    told(worker, targets[1], canary(targets[0]))
    worker.stop()
    assert marks(worker) == []


def test_a_candidate_is_at_work_until_its_model_has_done_what_nobody_waits_for_any_more(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], share=1.0))
    ended, batcher = hang(worker, monkeypatch), worker.releases.trying.candidate.batcher

    async def impatient() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(worker.releases.answer([TEXT], ["sentiment"], None), 0.1)

    asyncio.run(impatient())
    assert marks(worker) == [b"1now"]
    ended.set()
    while not batcher.idle:
        time.sleep(0.01)
    assert marks(worker) == [b"0now"]


def test_a_worker_that_cannot_say_how_a_trial_goes_takes_no_part_until_it_can(
    targets: list[Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr(rollover.LOG, "error", lambda line, why, exc_info: log.append(line % why))
    with disks.small(tmp_path / "small", "size=128k") as folder:
        found = rollover.Rollover(Releases(Loaded(loading.served(targets[0]))), folder)
        told(found, targets[0])
        told(found, targets[0], canary(targets[1], share=0.999))
        ballast = disks.fill(folder, 0)
        ask(found, 2)
        said = found.look_safely("")
        disks.fill(folder, 0)  # what the trial had held is free
        os.utime(folder / PLAN)
        assert found.look_safely(said) == said
        assert found.refused == {}  # nothing was loaded anew
        assert found.releases.trying is None
        assert [line.split(": ", 1)[1] for line in log] == [said]
        assert "no space is left on the disk" in said
        ballast.unlink()
        for _ in range(2):  # it says so, and then looks at the plan
            os.utime(folder / PLAN)
            found.look()
        assert found.releases.trying is not None
        assert found.counts["now"].answered == 2
