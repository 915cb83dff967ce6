from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import UserError
from components.release import variables
from serving import group

WORKER = "from serving import group; group.join('v1.0.1'); print(len(group._held), flush=True); input()"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv(variables.WORKERS_FOLDER, "")


def worker() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "1\n"
    return process


def test_a_service_is_ready_once_every_worker_is_and_not_when_one_was_killed() -> None:
    group.found(2)
    assert (group.size(), group.complete(), group.left()) == (2, False, True)
    group.join("v1.0.0")
    assert (group.complete(), group.left()) == (False, False)
    with worker() as other:
        assert group.complete()
        assert group.releases() == {"v1.0.0": 1, "v1.0.1": 1}
        group.say("v1.0.10-a-longer-name")
        group.say("v1.0.1")
        assert group.releases() == {"v1.0.1": 2}
        group.leave()
        assert (group.complete(), group.left()) == (False, False)  # this one is not the last
        group.join("v1.0.0")
        assert group.complete()
        other.kill()
        other.wait()
        assert not group.complete()
        assert group.releases() == {"v1.0.0": 1}  # whatever a file of one that has ended says
    with worker() as another:  # takes its place
        assert group.complete()
        another.kill()
    group.leave()
    assert group.left()


def test_a_service_outlives_whoever_tidies_up_temporary_files() -> None:
    """What nobody has touched for days goes, on many machines."""
    group.found(2)
    group.join("v1.0.0")
    folder = Path(os.environ[variables.WORKERS_FOLDER])
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    group.complete()
    assert {file.stat().st_mtime > 1 for file in folder.iterdir()} == {True}
    shutil.rmtree(folder)
    assert (group.complete(), group.left()) == (True, True)  # it can be asked, and it can end
    assert group.releases() == {}
    group.leave()


def test_who_is_served_in_one_process_is_alone() -> None:
    group.join("v1.0.0")
    assert (group.size(), group.complete(), group.left()) == (1, True, True)


@pytest.mark.parametrize("given", ["0", "-1", "two", "1.5", ""])
def test_what_is_no_number_of_workers_is_said(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variables.WORKERS, given)
    with pytest.raises(UserError, match=f"ONETRUNK_WORKERS: found '{given}', expected how many workers"):
        group.configured()


def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    given: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", given.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    group.share_processor()
    group.found(3)
    group.share_processor()
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "4")
    group.share_processor()
    assert given == [2]
