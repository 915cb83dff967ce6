"""What a worker begins with, and when it tries a release again that it could not load."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from components.release import variables
from components.rollout.records import PLAN, Plan, Target, WorkerReport
from serving import loading, rollover
from serving.loaded import Loaded
from serving.releases import Releases
from tests.serving.rollover.working import canary, looks, marks, raises, told

pytestmark = pytest.mark.slow  # bundles are made and loaded


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


def test_workers_that_were_killed_while_a_champion_was_loaded_have_not_died_of_it_once_it_is(
    worker: rollover.Rollover, targets: list[Target]
) -> None:
    """One is killed by chance in each of three changes to it; others' deaths stay."""
    (worker.folder / "mark-of-another").write_bytes(b"1v1.0.2")
    for number in range(3):
        (worker.folder / f"mark-{number}").write_bytes(b"1v1.0.1")
        assert told(worker, targets[1]).serving == "v1.0.1"
        assert marks(worker) == [b"1v1.0.2"]
        assert told(worker, targets[0]).serving == "v1.0.0"


def test_a_champion_that_is_loaded_answers_though_nothing_can_be_removed_any_more(
    worker: rollover.Rollover, targets: list[Target], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk with a fault is read only from one moment to the next."""
    remove = Path.unlink

    def read_only(path: Path, missing_ok: bool = False) -> None:
        if path.name.startswith("mark-"):
            raise OSError(errno.EROFS, "Read-only file system")
        remove(path, missing_ok)

    (worker.folder / "mark-1").write_bytes(b"1v1.0.1")
    monkeypatch.setattr(Path, "unlink", read_only)
    assert told(worker, targets[1]).serving == "v1.0.1"


def test_a_champion_that_workers_have_died_of_has_another_try_after_an_hour(
    worker: rollover.Rollover, targets: list[Target], later: list[float]
) -> None:
    for number in range(2):
        (worker.folder / f"mark-{number}").write_bytes(b"1v1.0.1")
    assert told(worker, targets[1]).refused == {"v1.0.1": "2 workers have died while it was at work"}
    ago = time.time() - loading.FORGIVEN - 1
    os.utime(worker.folder / "mark-1", (ago, ago))
    later[0] = rollover.AGAIN + 1
    assert told(worker, targets[1]).serving == "v1.0.1"


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
