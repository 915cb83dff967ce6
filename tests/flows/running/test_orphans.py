"""What the server is told of flow runs whose process has died, by claims and a server that are real."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State, StateType

from components.errors import UserError
from flows import monitor, traffic
from flows.running import orphans
from tests.flows import toy
from tests.flows.conftest import Server
from tests.serving import tiny

FLOW = """
import os, sys
from pathlib import Path
from prefect import flow
from prefect.states import Completed
from flows.running import orphans

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


class Known:
    """What a server knows of one run, and what it is told."""

    def __init__(self, known: StateType) -> None:
        self.known = known
        self.told: list[StateType] = []

    def read_flow_run(self, run: UUID) -> SimpleNamespace:
        return SimpleNamespace(state=State(type=self.known))

    def set_flow_run_state(self, run: UUID, state: State[Any], force: bool) -> None:
        self.told.append(state.type)


@pytest.mark.parametrize(("known", "told"), [
    (StateType.RUNNING, [StateType.COMPLETED]), (StateType.PENDING, [StateType.COMPLETED]),
    (StateType.CRASHED, [StateType.COMPLETED]), (StateType.COMPLETED, []), (StateType.FAILED, []),
    (StateType.SCHEDULED, []), (StateType.CANCELLED, []),
])  # fmt: skip
def test_an_end_is_told_of_a_run_that_is_thought_alive_or_crashed_and_of_no_other(
    known: StateType, told: list[StateType]
) -> None:
    """One that is scheduled again, as in the server's page, is not set back to what it came to before."""
    server: Any = Known(known)
    claim = orphans.Claim(folder="", machine="", server="", ended=StateType.COMPLETED)
    orphans._tell(server, UUID(int=1), claim)
    assert server.told == told


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


@pytest.mark.parametrize("flow", [monitor, traffic])
def test_a_run_that_ends_by_a_mistake_says_so_in_its_claim(
    flow: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one whose end the server has not heard of would be said to have been killed."""
    monkeypatch.chdir(tmp_path)
    tiny.write_params(tmp_path)
    monkeypatch.setattr(orphans, "this", SimpleNamespace(id="run"))
    claim = tmp_path / "run.json"

    def claimed(*_: object) -> None:
        orphans._held["run"] = claim.open("a+")
        orphans._write("run", orphans.Claim(folder="", machine="", server=""))
        raise UserError("nothing has been released yet")

    monkeypatch.setattr(orphans, "claim_and_sweep", claimed)
    monkeypatch.setattr(monitor, "find", lambda _: None)  # there is no section
    state = getattr(flow, flow.__name__.rpartition(".")[2]).fn()
    orphans._held.pop("run").close()
    assert (state.type, state.message) == (StateType.FAILED, "nothing has been released yet")
    found = orphans.Claim.model_validate_json(claim.read_text())
    assert (found.ended, found.message) == (StateType.FAILED, state.message)


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
