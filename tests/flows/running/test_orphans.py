"""What the server is told of flow runs whose process has died, by claims and a server that are real."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.states import Completed

from components.errors import UserError, disk_sentence
from flows import monitor, traffic
from flows.running import artifacts, lock, orphans, prefect_server
from tests import disks
from tests.flows import toy
from tests.flows.conftest import Server
from tests.serving import tiny

FLOW = """
import os, sys
from pathlib import Path
from prefect import flow
from prefect.states import Completed
from flows.running import artifacts, lock, orphans, prefect_server

@flow(name="claiming", persist_result=False)
def claiming():
    orphans.claim_and_sweep(Path.cwd())
    if "die" in sys.argv:
        os._exit(9)
    state = orphans.conclude(Completed(message="all is done"))
    if "unheard" in sys.argv:  # as where the server is away for long
        os._exit(9)
    return state

claiming(return_state=True)
"""


NOW = datetime(2020, 2, 29, 12, tzinfo=UTC)  # by the server's clock


class Known:
    """What a server knows of runs, this one's number being 0, and what it is told."""

    def __init__(self, known: StateType, *runs: SimpleNamespace) -> None:
        self.known, self.runs = known, list(runs)
        self.told: list[StateType] = []
        self.crashed: list[int] = []

    def read_flow_run(self, run: UUID) -> SimpleNamespace:
        return SimpleNamespace(state=State(type=self.known, timestamp=NOW))

    def read_flow_runs(self, **_: object) -> list[SimpleNamespace]:
        return self.runs

    def read_task_runs(self, **_: object) -> list[SimpleNamespace]:
        return []

    def set_flow_run_state(self, run: UUID, state: State[Any], force: bool) -> None:
        self.told.append(state.type)
        self.crashed.append(run.int)


@pytest.mark.parametrize(("known", "told"), [
    (StateType.RUNNING, True), (StateType.CANCELLING, True), (StateType.CRASHED, True), (StateType.COMPLETED, False),
    (StateType.FAILED, False), (StateType.PENDING, False), (StateType.SCHEDULED, False), (StateType.CANCELLED, False),
])  # fmt: skip
def test_an_end_is_told_of_a_run_that_is_thought_alive_or_crashed_and_of_no_other(
    known: StateType, told: bool
) -> None:
    """One that is to begin again, as by the server's page, is not set back to what it came to before."""
    server: Any = Known(known)
    claim = orphans.Claim(folder="", machine="", server="", ended=StateType.COMPLETED)
    orphans._tell(server, UUID(int=1), claim)
    assert server.told == ([StateType.COMPLETED] if told else [])
    server = Known(known)
    orphans._tell(server, UUID(int=1), claim.model_copy(update={"ended": None}))
    assert server.told == ([StateType.CRASHED] if told and known != StateType.CRASHED else [])


def one(number: int, minutes: float, known: StateType = StateType.PENDING, tag: str = "") -> SimpleNamespace:
    """A run of the deployment that is as it is for so long, by the server's clock."""
    state = State(type=known, timestamp=NOW - timedelta(minutes=minutes))
    return SimpleNamespace(id=UUID(int=number), tags=[tag] if tag else [], state=state, state_type=known)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """This is run 0 of a deployment."""
    monkeypatch.setattr(orphans, "this", SimpleNamespace(id=str(UUID(int=0))))
    monkeypatch.setattr(orphans, "deployment", SimpleNamespace(id=str(UUID(int=99))))


@pytest.mark.usefixtures("deployed")
def test_runs_that_nobody_is_to_run_are_ended_and_those_that_may_begin_are_not() -> None:
    """By the server's clock: this machine's may be ahead, or have jumped."""
    own, theirs = (f"onetrunk:{machine}:/project" for machine in (socket.gethostname(), "elsewhere"))
    running = StateType.RUNNING
    server: Any = Known(
        running,
        one(0, 60, running),
        one(1, 11), one(2, 9), one(3, 11),
        one(4, 11, running), one(5, 11, running, own), one(6, 11, running, theirs), one(7, 11, tag=theirs),
        one(8, 11, StateType.CANCELLING, own), one(9, 11, running, own),
    )  # fmt: skip
    begins = subprocess.Popen(["sleep", "60"], env={**os.environ, orphans.RUN: str(UUID(int=3))})
    try:
        orphans._sweep_unclaimed(server, {str(UUID(int=9))})
    finally:
        begins.kill()
        begins.wait()
    assert server.crashed == [1, 4, 5, 7, 8]


def test_a_run_by_hand_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "deployment", SimpleNamespace(id=None))
    server: Any = Known(StateType.RUNNING, one(1, 60))
    orphans._sweep_unclaimed(server, set())
    assert server.crashed == []


def test_a_full_disk_changes_nothing_of_what_a_run_has_come_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "this", SimpleNamespace(id="full"))
    with disks.small(tmp_path / "small", "size=64k") as folder:
        (folder / "claim").touch()
        disks.fill(folder, 0)
        with (folder / "claim").open("r+") as orphans._held["full"]:
            orphans._write("full", orphans.Claim(folder="", machine="", server=""))
            assert orphans.conclude(Completed(message="all is done")).message == "all is done"
        del orphans._held["full"], orphans._said["full"]


def test_a_claim_is_unheld_when_its_process_has_ended_and_what_is_none_is_left_alone(tmp_path: Path) -> None:
    held, unheld, torn = (f"{number:08}-0000-0000-0000-000000000000" for number in range(3))
    claim = orphans.Claim(folder="/project", machine="here", server="own")
    for name in (held, unheld, "notes", "copy of 00000001-0000-0000-0000-000000000000"):
        (tmp_path / f"{name}.json").write_text(claim.model_dump_json())
    (tmp_path / f"{torn}.json").write_text(claim.model_dump_json()[:20])
    with (tmp_path / f"{held}.json").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = {file.stem: claim for file, claim in orphans._unheld(tmp_path)}
    assert found == {unheld: claim, torn: None}


@pytest.mark.parametrize("error", [UserError("nothing has been released yet"), OSError(28, "No space left")])
@pytest.mark.parametrize("flow", [monitor, traffic])
def test_a_run_that_ends_by_a_mistake_says_so_in_its_claim(
    flow: ModuleType, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one whose end the server has not heard of would be said to have been killed."""
    monkeypatch.chdir(tmp_path)
    tiny.write_params(tmp_path)
    monkeypatch.setattr(orphans, "this", SimpleNamespace(id="run"))
    claim = tmp_path / "run.json"

    def claimed(*_: object) -> None:
        claim.touch()
        orphans._held["run"] = claim.open("r+")
        orphans._write("run", orphans.Claim(folder="", machine="", server=""))
        raise error

    monkeypatch.setattr(orphans, "claim_and_sweep", claimed)
    monkeypatch.setattr(monitor, "find", lambda _: None)  # there is no section
    state = getattr(flow, flow.__name__.rpartition(".")[2]).fn()
    orphans._held.pop("run").close()
    del orphans._said["run"]
    assert (state.type, state.message) == (StateType.FAILED, disk_sentence(error) or str(error))
    found = orphans.Claim.model_validate_json(claim.read_text())
    assert (found.ended, found.message) == (StateType.FAILED, state.message)


@pytest.mark.slow
def test_what_a_command_beside_a_run_starts_is_none_of_what_a_dead_run_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`onetrunk monitor` by hand has a Prefect server of its own, say; the marked one's parent has died."""
    monkeypatch.setattr("os.environ", dict(os.environ))
    monkeypatch.setattr(logging, "raiseExceptions", True)
    prefect_server.configure(tmp_path)
    sleeps = ["sh", "-c", "sleep 60 > /dev/null & echo $!"]
    left = {**os.environ, lock.MARK: str(tmp_path)}
    beside, of_dead = (
        psutil.Process(int(subprocess.check_output(sleeps, env=variables, text=True)))
        for variables in (dict(os.environ), left)
    )
    lock.stop_orphans(tmp_path)
    assert beside.is_running()
    assert not of_dead.is_running() or of_dead.status() == psutil.STATUS_ZOMBIE
    beside.kill()


def test_a_page_that_the_server_does_not_take_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    def refuses(*_: object, **__: object) -> None:
        raise httpx.ConnectError("nobody listens")

    logger = SimpleNamespace(warning=lambda line, error: said.append(line % error))
    monkeypatch.setattr(artifacts, "create_markdown_artifact", refuses)
    monkeypatch.setattr(artifacts, "get_run_logger", lambda: logger)
    artifacts.show("a page", "key", "what it is")
    assert said == ["the report is not shown here: nobody listens"]


def start(project: Path, server: Server, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", FLOW, *words], cwd=project, env=toy.environment(**server.environment)
    )


@pytest.mark.slow
def test_the_next_run_tells_a_killed_run_from_one_whose_end_nobody_heard_of(
    server: Server, tmp_path: Path
) -> None:
    for word in ("die", "unheard"):
        assert start(tmp_path, server, word).wait(120) == 9
    assert {run["state_type"] for run in server.flow_runs(tmp_path)} <= {"RUNNING", "CRASHED"}
    assert start(tmp_path, server).wait(120) == 0
    killed, unheard, last = server.flow_runs(tmp_path)
    assert (killed["state_type"], killed["state"]["message"]) == ("CRASHED", "its process was killed")
    assert (unheard["state_type"], unheard["state"]["message"]) == ("COMPLETED", "all is done")
    assert last["state_type"] == "COMPLETED"
    assert [file.stem for file in (tmp_path / ".onetrunk/claims/onetrunk").iterdir()] == [last["id"]]
