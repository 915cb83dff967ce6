"""A worker that changes what it answers with, in this process: real bundles, a plan in a file, many callers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import threading
import time
import weakref
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from prometheus_client import REGISTRY
from pydantic import BaseModel

from components.errors import UserError
from components.evaluation.answers import Exchange
from components.release import variables
from components.rollout.evidence import Evidence
from components.rollout.records import FORGOTTEN, PLAN, Counts, Plan, Target, Trial, WorkerReport
from serving import bundle, group, loading, rollover, streaming, trial, watch
from serving.loaded import Loaded
from serving.releases import Releases
from serving.requests import BadRequestError
from tests import disks
from tests.flows.rollout.two_bentos import replace_model

pytestmark = pytest.mark.slow  # bundles are made and loaded

TEXT = "Angela Merkel was in Munich."


@pytest.fixture(scope="module")
def targets(bento: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Target]:
    """Two releases."""
    other = Path(shutil.copytree(bento, tmp_path_factory.mktemp("other") / "bento"))
    replace_model(other, 1)
    folders = (bento, other)
    return [Target(release=f"v1.0.{n}", bundle=str(one / "src/bundle")) for n, one in enumerate(folders)]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = set(REGISTRY._collector_to_names)
    watch.metrics.cache_clear()
    yield
    bundle.answer_with(bundle.PACKED)
    watch.metrics.cache_clear()
    for collector in set(REGISTRY._collector_to_names) - before:
        REGISTRY.unregister(collector)


@pytest.fixture
def worker(targets: list[Target], tmp_path: Path) -> rollover.Rollover:
    """One that answers with the first of them."""
    found = rollover.Rollover(Releases(Loaded(loading.served(targets[0]), watch.metrics().of_pass)), tmp_path)
    told(found, targets[0])
    return found


def told(worker: rollover.Rollover, target: Target, trial: Trial | None = None) -> WorkerReport:
    """What the worker says when the plan is this one."""
    Plan(champion=target, trial=trial).write(worker.folder / PLAN)
    worker.look()
    return WorkerReport.read(worker.folder / f"worker-{os.getpid()}.json")


def ask(worker: rollover.Rollover, times: int = 1, **given: Any) -> list[tuple[str, dict[str, Any]]]:
    """Which release answered, and what, of requests side by side."""

    async def all_of_them() -> list[tuple[str, dict[str, Any]]]:
        asked = [worker.releases.answer([TEXT], given.get("names"), None) for _ in range(times)]
        found = await asyncio.gather(*asked)
        await given.get("then", nothing)()
        return [
            (by.name, {task: one.model_dump() for task, one in answers[0].items()}) for by, answers in found
        ]

    return asyncio.run(asyncio.wait_for(all_of_them(), 60))


async def nothing() -> None:
    """Wait for nothing."""


def until(condition: Callable[[], bool]) -> Callable[[], Awaitable[None]]:
    async def waiting() -> None:
        while not condition():
            await asyncio.sleep(0.01)

    return waiting


def sampled(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


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


def test_a_worker_that_could_not_load_a_champion_tries_again_ever_more_seldom(
    worker: rollover.Rollover, targets: list[Target], later: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other workers answer with it already."""
    real, times = rollover.load_champion, []

    def fails(*given: Any) -> Loaded:
        times.append(round(later[0]))
        if len(times) < 5:
            raise MemoryError
        return real(*given)

    monkeypatch.setattr(rollover, "load_champion", fails)
    assert told(worker, targets[1]).refused == {"v1.0.1": "MemoryError: "}
    for second in range(10, 1000, 10):
        later[0] = second
        assert told(worker, targets[1]).serving == ("v1.0.1" if len(times) == 5 else "v1.0.0")
    assert times == [0, 60, 180, 420, 900]
    assert WorkerReport.read(next(worker.folder.glob("worker-*"))).refused == {}
    assert told(worker, targets[0]).serving == "v1.0.0"  # which it has known since
    monkeypatch.setattr(rollover, "load_champion", raises)
    told(worker, targets[1])
    assert worker._pause == rollover.AGAIN  # of another plan, as at first
    for _ in range(7):
        later[0] += rollover.LONGEST + 1
        told(worker, targets[1])
    assert worker._pause == rollover.LONGEST


def test_a_release_is_tried_again_though_nobody_watches_over_the_service_any_more(
    worker: rollover.Rollover, targets: list[Target], later: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr(rollover, "load_champion", raises)
        assert told(worker, targets[1]).serving == "v1.0.0"
    for second in (rollover.AGAIN - 1, rollover.AGAIN + 1):
        later[0] = second
        worker.look()
        assert worker.releases.first.served.name == ("v1.0.0" if second < rollover.AGAIN else "v1.0.1")
    assert not worker.follows
    monkeypatch.setattr(worker, "_change", lambda *_: pytest.fail("it answers already"))
    worker.look()


def test_a_worker_that_starts_anew_tries_a_bad_champion_once_before_it_waits(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    again, loads = rollover.Rollover(Releases(worker.releases.first), worker.folder), []
    monkeypatch.setattr(rollover, "load_champion", lambda *_: loads.append(1) or raises())
    for _ in range(3):
        told(again, targets[1])
        os.utime(worker.folder / PLAN)
    assert loads == [1]


def test_a_candidate_that_one_of_several_workers_could_not_load_is_tried_there_again(
    worker: rollover.Rollover, targets: list[Target], later: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a caller who is to stay with it would get its answers from some workers only."""
    with monkeypatch.context() as context:
        context.setattr(rollover, "load", raises)
        assert told(worker, targets[0], canary(targets[1])).trying is None
    assert marks(worker) == []
    later[0] = rollover.AGAIN + 1
    assert told(worker, targets[0], canary(targets[1])).trying == "v1.0.1"


def test_no_trial_begins_beside_another_release_than_the_plans_champion(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the candidate were compared with would not be what it is to replace."""
    monkeypatch.setattr(rollover, "load_champion", raises)
    assert told(worker, targets[1], canary(targets[0])).trying is None


def test_a_worker_that_starts_anew_tries_each_release_once_and_says_why_it_is_not_the_plans(
    targets: list[Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    tried: list[str] = []

    def fails(target: Target, _: Path) -> Loaded:
        tried.append(target.release)
        raise UserError(f"no {target.release}")

    monkeypatch.setattr(rollover.LOG, "error", lambda line, *values: log.append(line % values))
    monkeypatch.setattr(rollover, "PACKED", loading.served(targets[0]))
    monkeypatch.setattr(rollover, "load_champion", fails)
    monkeypatch.setenv(variables.ROLLOUT, str(tmp_path))
    Plan(champion=Target(release="v1.0.2", bundle="two")).write(tmp_path / PLAN)
    for number, (release, folder) in enumerate((("v1.0.2", "two"), ("v1.0.1", "one"), ("v1.0.1", "one"))):
        WorkerReport(serving=release, bundle=folder).write(tmp_path / f"worker-{number}.json")
    assert rollover.first().served.name == "v1.0.0"
    assert tried == ["v1.0.2", "v1.0.1"]
    assert log == ["release v1.0.0 answers, not that of the plan: no v1.0.2"]


def test_a_champion_that_was_loaded_leaves_no_mark(worker: rollover.Rollover, targets: list[Target]) -> None:
    """Or the worker's later death would count as one of loading it."""
    assert told(worker, targets[1]).serving == "v1.0.1"
    assert marks(worker) == []


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


@pytest.mark.parametrize("what", ["champion", "trial"])
def test_a_worker_loads_in_its_turn_and_knows_by_then_what_the_others_have_died_of(
    what: str, worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = {
        "champion": Plan(champion=targets[1]),
        "trial": Plan(champion=targets[0], trial=canary(targets[1])),
    }
    monkeypatch.setattr(loading, "PAUSE", 0.01)
    waits = threading.Event()
    monkeypatch.setattr(rollover.Rollover, "_is_wanted", lambda _: waits.set() or True)
    with loading.alone(worker.folder, lambda: True):
        looking = looks(worker, plans[what])
        assert waits.wait(10)
        of = "now" if what == "trial" else "v1.0.1"
        for number in range(2):
            (worker.folder / f"mark-{number}").write_bytes(b"1" + of.encode())
    looking.join(10)
    assert worker.refused == {"v1.0.1": "2 workers have died while it was at work"}


def canary(target: Target, **changes: Any) -> Trial:
    return Trial(kind="canary", target=target, began="now", share=0.5, disagreement=0.9).model_copy(
        update=changes
    )


def test_a_canary_answers_the_same_callers_each_time_and_is_compared(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], key="X-User"))
    counts = worker.counts["now"]
    by: dict[str, set[str]] = {}
    for user in [f"user {number % 10}" for number in range(30)]:
        trial.SCOPE.set({"type": "http", "headers": [(b"x-user", user.encode())]})
        seen = counts.compared + 1
        name = ask(worker, then=until(lambda seen=seen: counts.compared >= min(seen, counts.answered)))[0][0]
        by.setdefault(user, set()).add(name)
    trial.SCOPE.set(None)
    assert {len(names) for names in by.values()} == {1}
    assert set.union(*by.values()) == {"v1.0.0", "v1.0.1"}
    assert counts.answered + counts.others == 30
    assert counts.compared == counts.answered
    assert counts.tests["disagreement"].sum > 0  # it is another model
    trying = worker.releases.trying
    assert isinstance(trying, trial.Trying)
    trying.evidence.failed(True, "user 1")  # and another worker of this service does not count him again
    assert not Evidence(trying.trial, Counts(), worker.folder).known["errors"].is_new("user 1")


def test_what_a_canary_fails_at_the_other_answers(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], share=0.999))

    def broken(_: object) -> None:
        raise RuntimeError("a head is broken")

    trying = worker.releases.trying
    monkeypatch.setattr(trying.candidate.batcher.predictor, "answer", broken)
    compared = until(lambda: trying._comparing is None or trying._comparing.done())
    assert {name for name, _ in ask(worker, 20, then=compared)} == {"v1.0.0"}
    assert worker.counts["now"].tests["errors"].rounds >= 15
    assert worker.counts["now"].compared == 0  # the other's answers with themselves
    with pytest.raises(BadRequestError, match="unknown task"):
        ask(worker, names=["none"])


def test_of_a_stream_that_a_canary_has_begun_and_fails_at_the_last_line_is_all_the_others(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], share=1.0))
    (_, (answers,)) = asyncio.run(worker.releases.answer([TEXT], ["sentiment"], None))
    trying = worker.releases.trying

    async def begins(texts: Any, names: Any, top: Any, hears: Any) -> None:
        hears("sentiment", answers["sentiment"])
        await asyncio.sleep(0)
        raise RuntimeError("the decoder is broken")

    async def read() -> list[bytes]:
        body = lambda by, found: f"{by.name} {len(found)}".encode()  # noqa: E731
        return [line async for line in streaming.lines(worker.releases, [TEXT], ["sentiment"], None, body)]

    monkeypatch.setattr(trying.candidate.batcher, "answer", begins)
    begun, *_, last = asyncio.run(asyncio.wait_for(read(), 60))
    assert begun.startswith(b'{"so_far":{"sentiment":')
    assert last == b"v1.0.0 1\n"
    assert worker.counts["now"].tests["errors"].rounds == 1


def test_what_a_canary_refuses_the_other_answers_and_that_is_no_failure(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], share=0.999))
    worker.releases.trying.candidate.batcher.most_seconds = -1.0  # too much waits, whoever comes
    assert {name for name, _ in ask(worker, 10)} == {"v1.0.0"}
    assert worker.counts["now"].tests["errors"].rounds == 0


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


def test_a_shadow_is_compared_and_never_returned(worker: rollover.Rollover, targets: list[Target]) -> None:
    told(worker, targets[0], canary(targets[1], kind="shadow", share=1.0))
    counts = worker.counts["now"]
    answers = ask(worker, 12, then=until(lambda: counts.compared == 12))
    assert {name for name, _ in answers} == {"v1.0.0"}
    assert len({str(answer) for _, answer in answers}) == 1
    assert counts.answered == 12
    said = told(worker, targets[1])  # it has passed
    assert (said.serving, said.trying) == ("v1.0.1", None)


def test_of_a_request_one_text_is_compared_with_the_answers_to_that_text(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    same = targets[0].model_copy(update={"release": "v1.0.2"})  # the same model
    told(worker, targets[0], canary(same, kind="shadow", share=1.0))
    counts = worker.counts["now"]
    monkeypatch.setattr(trial.random, "randrange", lambda texts: texts - 1)

    async def scenario() -> None:
        await worker.releases.answer([TEXT, "No."], None, None)
        await until(lambda: counts.compared == 1)()

    asyncio.run(asyncio.wait_for(scenario(), 60))
    assert counts.tests["disagreement"].sum < 1e-3


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


def test_a_candidate_that_passes_is_not_loaded_again(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1]))
    candidate = worker.releases.trying.candidate
    told(worker, targets[1])
    assert worker.releases.first is candidate
    assert isinstance(candidate, Loaded)


@pytest.mark.parametrize("header", ["", "  "])
def test_callers_of_whom_a_proxy_knows_nothing_are_no_single_caller(
    header: str, worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], key="X-User"))
    trial.SCOPE.set({"type": "http", "headers": [(b"x-user", header.encode())]})
    names = {name for name, _ in ask(worker, 40)}
    trial.SCOPE.set(None)
    assert names == {"v1.0.0", "v1.0.1"}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that have passed besides."""
    passed = [0.0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed[0])
    monkeypatch.setattr(rollover, "time", clock)
    return passed


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


def test_a_worker_begins_with_what_the_plan_says(
    targets: list[Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Plan(champion=targets[1]).write(tmp_path / PLAN)
    monkeypatch.setenv(variables.ROLLOUT, str(tmp_path))
    assert rollover.first().served.name == "v1.0.1"


def test_a_worker_that_starts_anew_answers_as_the_others_where_the_plans_release_is_bad(
    worker: rollover.Rollover, targets: list[Target], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not with the release that the service began with, which may be many before."""
    log: list[str] = []
    monkeypatch.setattr(rollover.LOG, "error", lambda line, *values: log.append(line % values))
    monkeypatch.setattr(rollover, "PACKED", loading.served(targets[0]))
    monkeypatch.setenv(variables.ROLLOUT, str(worker.folder))
    told(worker, targets[1])
    bad = Target(release="v1.0.2", bundle=str(tmp_path / "none"))
    Plan(champion=bad).write(worker.folder / PLAN)
    assert rollover.first().served == loading.served(targets[1])
    (worker.folder / PLAN).write_text("torn")
    assert rollover.first().served == loading.served(targets[1])
    told(worker, targets[0])
    (worker.folder / "worker-1.json").write_text("torn")
    WorkerReport(serving="v1.0.1", bundle=targets[1].bundle).write(worker.folder / "worker-2.json")
    os.utime(worker.folder / "worker-2.json", (1, 1))  # what was answered with before
    Plan(champion=bad).write(worker.folder / PLAN)
    assert rollover.first().served == loading.served(targets[0])
    assert [line.partition(":")[0] for line in log] == [
        "release v1.0.1 answers, not that of the plan",
        "release v1.0.0 answers, not that of the plan",
    ]


class Panic(BaseException):
    """As the tokenizer's Rust raises it."""


@pytest.mark.parametrize(("kind", "said"), [(RuntimeError, ""), (Panic, "Panic: ")])
def test_a_worker_begins_with_the_packed_release_where_that_of_the_plan_breaks_it(
    kind: type[BaseException],
    said: str,
    targets: list[Target],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another fault than what the checks find: a worker that dies of it would be started again and again."""
    log: list[str] = []
    monkeypatch.setattr(rollover.LOG, "error", lambda line, *values: log.append(line % values))
    Plan(champion=targets[1]).write(tmp_path / PLAN)
    monkeypatch.setenv(variables.ROLLOUT, str(tmp_path))
    monkeypatch.setattr(rollover, "PACKED", loading.served(targets[0]))

    def breaks(loaded: Loaded, target: Target) -> None:
        raise kind("a kind of head that nobody knows")

    monkeypatch.setattr(loading, "ask", breaks)
    assert rollover.first().served.name == "v1.0.0"
    assert [line.partition("not that of the plan: ")[2] for line in log] == [
        f"{said}a kind of head that nobody knows"
    ]


def test_a_canary_that_hangs_holds_no_caller_up_for_longer_than_its_patience(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 0.2)
    told(worker, targets[0], canary(targets[1]))
    ended = hang(worker, monkeypatch)
    start = time.monotonic()
    assert {name for name, _ in ask(worker, 60)} == {"v1.0.0"}
    assert time.monotonic() - start < 5
    assert worker.counts["now"].worse() == "it fails more often"
    ended.set()


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


class Label(BaseModel):
    """Of one family."""

    label: str = "up"


class Other(BaseModel):
    """Of another, whose answers have the same fields."""

    label: str = "up"


class Score(BaseModel):
    """A number alone."""

    score: float


def test_answers_are_as_far_apart_as_those_of_the_tasks_that_both_know(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1]))
    trying = worker.releases.trying
    up, down = Label(), Label(label="down")
    assert trying._apart({"sentiment": up, "ner": up}, {"sentiment": up, "ner": down, "more": up}) == 0.5
    assert trying._apart({"sentiment": up}, {"sentiment": Other()}) == 1.0
    deviations = (trying.releases.first, 4.0), (trying.candidate, 2.0)
    for release, deviation in deviations:
        release.batcher.predictor.cards["sentiment"]["facts"]["deviation"] = deviation
    assert trying._apart({"sentiment": Score(score=1.0)}, {"sentiment": Score(score=2.0)}) == 0.5


def raises(*_: object) -> None:
    raise RuntimeError("a head is broken")


@pytest.mark.parametrize("how", ["no numbers", "late", "raises"])
@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_what_the_release_beside_a_canary_fails_at_is_held_against_it_and_in_no_shadow(
    kind: str, how: str, worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(worker, targets[0], canary(targets[1], kind=kind, share=1e-6))
    first, errors = worker.releases.first.batcher, worker.counts["now"].tests["errors"]
    if how == "raises":
        monkeypatch.setattr(first.predictor, "answer", raises)
    if how == "late":
        monkeypatch.setattr(trial, "PATIENCE", 0.0)
    if how == "no numbers":
        monkeypatch.setattr(trial, "_are_sound", lambda _: False)
    for _ in range(3):
        with contextlib.suppress(RuntimeError):
            ask(worker, names=["sentiment"])
    assert (errors.rounds, errors.sum) == (3 if kind == "canary" else 0, 0.0)


@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_a_task_that_a_candidate_no_longer_has_is_answered_by_the_other_and_the_trial_ends(
    kind: str, worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], kind=kind, share=0.999, disagreement=0.5))
    del worker.releases.trying.candidate.batcher.predictor.cards["sentiment"]
    counts = worker.counts["now"]
    answers = ask(worker, 20, names=["sentiment"], then=until(lambda: counts.worse() is not None))
    assert {name for name, _ in answers} == {"v1.0.0"}
    assert counts.worse() == "its answers differ too often"


def test_a_task_that_only_a_canary_has_is_no_difference(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    told(worker, targets[0], canary(targets[1], share=1.0))
    del worker.releases.first.batcher.predictor.cards["sentiment"]
    trying, counts = worker.releases.trying, worker.counts["now"]
    compared = until(lambda: trying._comparing is not None and trying._comparing.done())
    answers = ask(worker, 10, names=["sentiment"], then=compared)
    assert {name for name, _ in answers} == {"v1.0.1"}
    assert (counts.answered, counts.compared) == (10, 0)


def test_a_candidate_whose_model_has_stopped_fails(worker: rollover.Rollover, targets: list[Target]) -> None:
    told(worker, targets[0], canary(targets[1]))
    batcher = worker.releases.trying.candidate.batcher
    batcher.close()
    batcher._thread.join(10)
    assert {name for name, _ in ask(worker, 60)} == {"v1.0.0"}
    assert worker.counts["now"].worse() == "it fails more often"


@pytest.mark.parametrize("what", ["trial", "champion"])
def test_a_release_that_workers_have_died_of_is_loaded_by_none(
    what: str, worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    of = "now" if what == "trial" else "v1.0.1"
    (worker.folder / "mark-1").write_bytes(b"1" + of.encode())
    (worker.folder / "mark-2").write_bytes(b"1" + of.encode())
    said = told(worker, targets[what == "champion"], canary(targets[1]) if what == "trial" else None)
    assert (said.serving, said.trying) == ("v1.0.0", None)
    assert said.refused == {"v1.0.1": "2 workers have died while it was at work"}
    monkeypatch.setenv(variables.ROLLOUT, str(worker.folder))
    monkeypatch.setattr(rollover, "PACKED", loading.served(targets[0]))
    assert rollover.first().served.name == "v1.0.0"


def marks(worker: rollover.Rollover) -> list[bytes]:
    return [path.read_bytes() for path in worker.folder.glob("mark-*")]


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


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No release that is loaded answers its examples before the test's end."""
    ended = threading.Event()
    monkeypatch.setattr(loading, "ask", lambda *_: ended.wait(60))
    monkeypatch.setattr(loading, "PAUSE", 0.01)
    yield
    ended.set()


def looks(worker: rollover.Rollover, plan: Plan) -> threading.Thread:
    """It follows the plan, in a thread."""
    plan.write(worker.folder / PLAN)
    looking = threading.Thread(target=worker.look)
    looking.start()
    return looking


@pytest.mark.usefixtures("hanging")
def test_a_worker_that_is_stopped_while_it_loads_a_candidate_has_not_died_of_it(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    looking = looks(worker, Plan(champion=targets[0], trial=canary(targets[1])))
    while marks(worker) != [b"1now"]:
        time.sleep(0.01)
    worker.stop()
    assert marks(worker) == []
    looking.join(10)
    assert not looking.is_alive()


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
