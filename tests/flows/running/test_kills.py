"""A short form of benchmarks/kills.py: random kills, then the same command, then the bytes of no kill."""

from __future__ import annotations

import pytest

from benchmarks import kills
from benchmarks.runs_to_kill import BUSY
from tests.flows.conftest import Server

# All processes, then the run alone, of a project that has never run; all, then a process of a stage, of one that has.
SEED = 18464


@pytest.mark.slow
@pytest.mark.minutes(1)
@pytest.mark.timeout(1200)
def test_killed_runs_end_in_the_bytes_of_an_undisturbed_run(
    server: Server, forking_python: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**server.environment, **dict.fromkeys(BUSY, "60")}.items():
        monkeypatch.setenv(name, value)
    counts = kills.kill(4, seconds=300, seed=SEED, own_server=False, python=f"{forking_python}/python")
    assert not counts.wrong
    assert counts.kills.total() > 0
