"""What the server is told of flow runs whose process has died, by claims and a server that are real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import State, StateType

from flows.running import orphans
from tests.flows import toy
from tests.flows.conftest import Server

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
