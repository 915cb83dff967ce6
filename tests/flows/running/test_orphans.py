"""What the server is told of flow runs whose process has died, by claims and a server that are real."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
