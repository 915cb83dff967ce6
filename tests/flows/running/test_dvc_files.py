"""What a kill leaves of DVC's files is noticed and mended; what the user has changed is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from flows.running import dvc_files, graph
from tests.flows import toy

pytestmark = pytest.mark.slow  # DVC runs


@pytest.fixture
def project(finished_toy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished_toy)
    return finished_toy


@pytest.fixture
def whole(project: Path) -> bytes:
    """dvc.lock of the finished project, of which a run has kept a copy."""
    dvc_files.keep(project)
    return (project / "dvc.lock").read_bytes()


def cut_in_an_entry(text: bytes) -> bytes:
    """Up to the line before the last, with its newline: DVC reads it and finds the last stage changed."""
    return b"".join(text.splitlines(keepends=True)[:-1])


def cut_in_a_number(text: bytes) -> bytes:
    return text[: text.rindex(b"size: ") + len(b"size: 1")]


TORN = {
    "empty": lambda text: b"",
    "half": lambda text: text[: len(text) // 2],
    "without its schema": lambda text: text.partition(b"\n")[2],
    "zeros, as after a power cut": lambda text: b"\0" * len(text),
    "no longer text": lambda text: text[:100] + b"\xff\xfe" + text[102:],
    "a stage cut off": cut_in_an_entry,
    "a number cut off": cut_in_a_number,
}


@pytest.mark.parametrize("tear", TORN.values(), ids=TORN.keys())
def test_a_torn_lock_is_restored_and_said(
    project: Path, whole: bytes, tear: Callable[[bytes], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tear(whole)
    assert torn != whole
    (project / "dvc.lock").write_bytes(torn)
    assert not graph.read().changed
    assert (project / "dvc.lock").read_bytes() == whole
    assert (project / ".onetrunk/dvc.lock.torn").read_bytes() == torn
    said = capsys.readouterr().err
    assert said.startswith("note: dvc.lock was torn by a kill or a full disk; the last whole one is back")
    assert said.count("\n") == 1
    graph.read()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("length", range(0, 100, 7))
def test_wherever_the_lock_is_cut_no_stage_runs_again(project: Path, whole: bytes, length: int) -> None:
    """Percent of the file. Where the cut falls between two entries the run cache has the rest."""
    (project / "dvc.lock").write_bytes(whole[: len(whole) * length // 100])
    before = toy.events(project)
    graph.read()
    with Repo() as repo:
        repo.reproduce()
    assert toy.events(project) == before
    assert (project / "dvc.lock").read_bytes() == whole


def test_a_torn_lock_without_a_copy_is_the_committed_one(project: Path) -> None:
    text = (project / "dvc.lock").read_bytes()
    git(project, "add", "dvc.lock")
    git(project, "commit", "-qm", "lock")
    (project / "dvc.lock").write_bytes(text[20:])
    (project / ".onetrunk/dvc.lock.good").unlink(missing_ok=True)
    assert not graph.read().changed
    assert (project / "dvc.lock").read_bytes() == text


def test_a_torn_lock_of_which_nothing_is_kept_is_put_aside(project: Path) -> None:
    text = (project / "dvc.lock").read_bytes()
    (project / "dvc.lock").write_bytes(text[20:])
    (project / ".onetrunk/dvc.lock.good").unlink(missing_ok=True)
    before = toy.events(project)
    assert graph.read().changed
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], check=True, env=toy.environment())
    assert toy.events(project) == before  # DVC's cache has every stage
    assert (project / "dvc.lock").read_bytes() == text


def without_the_last_stage(text: bytes) -> bytes:
    return text[: [match.start() for match in dvc_files.ENTRY.finditer(text)][-1]]


CHANGED = {
    "an entry removed": without_the_last_stage,
    "an entry altered": lambda text: text.replace(b"cmd: python", b"cmd:  python", 1),
    "merged, with conflicts": lambda text: b"<<<<<<< HEAD\n" + text,
    "no newline at the end": lambda text: text.rstrip(b"\n"),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED.keys())
def test_what_the_user_has_changed_stays(
    project: Path, whole: bytes, change: Callable[[bytes], bytes]
) -> None:
    (project / "dvc.lock").write_bytes(change(whole))
    assert dvc_files.mend(project) == []
    assert (project / "dvc.lock").read_bytes() == change(whole)


def test_a_lock_that_git_has_brought_back_stays(project: Path, whole: bytes) -> None:
    older = without_the_last_stage(whole)
    (project / "dvc.lock").write_bytes(older)
    git(project, "add", "dvc.lock")
    git(project, "commit", "-qm", "older")
    (project / "dvc.lock").write_bytes(whole)
    git(project, "checkout", "-q", "dvc.lock")
    assert dvc_files.mend(project) == []
    assert (project / "dvc.lock").read_bytes() == older


@pytest.mark.parametrize("text", ["", '{"write": {"/a', "[]", '{"read": {"/a": {"pid": 1}}}', "\0\0"])
def test_a_torn_rwlock_is_removed_and_dvc_yaml_not_blamed(
    project: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / ".dvc/tmp/rwlock").write_text(text)
    assert not graph.read().changed
    said = capsys.readouterr().err
    assert said == "note: .dvc/tmp/rwlock was torn by a kill or a full disk; removed, DVC makes it anew\n"


def rwlock(project: Path, pid: int) -> Path:
    path = project / ".dvc/tmp/rwlock"
    info = {"pid": pid, "cmd": "dvc repro"}
    path.write_text(json.dumps({"write": {str(project / "model.txt"): info}, "read": {}}))
    return path


def test_a_dead_process_whose_number_another_has_holds_up_nobody(project: Path) -> None:
    """As after a restart of a container: DVC itself asks only whether there is such a process."""
    with subprocess.Popen(["sleep", "60"]) as other:
        path = rwlock(project, other.pid)
        assert not graph.read().changed
        assert not path.exists() or "write" not in path.read_text() or str(other.pid) not in path.read_text()
        other.kill()


def test_a_living_dvc_is_respected(project: Path) -> None:
    code = "import time; time.sleep(60)  # dvc"
    with subprocess.Popen([sys.executable, "-c", code]) as other:
        rwlock(project, other.pid)
        with pytest.raises(graph.BusyError, match=f"pid {other.pid}"):
            graph.read()
        other.kill()


def test_litter_of_dvc_is_removed_beside_outputs_and_in_the_run_cache(project: Path) -> None:
    name = ".abcdefghij-klmnopqrs_t.tmp"
    run = next((project / ".dvc/cache/runs").glob("*/*"))
    for folder in (run, project / "made"):
        (folder / name).write_text("half")
    (project / "made/.mine.tmp").write_text("the user's")
    assert dvc_files.mend(project) == ["removed 2 half-written files and folders of a killed run"]
    assert not (run / name).exists()
    assert not (project / "made" / name).exists()
    assert (project / "made/.mine.tmp").exists()


def test_an_empty_folder_of_the_run_cache_does_not_stop_its_stage(project: Path) -> None:
    """DVC makes the folder before its entry; killed in between it would fail at that stage ever after."""
    (project / "side.txt").unlink()
    lock = project / "dvc.lock"
    lock.write_bytes(lock.read_bytes().replace(b"cmd: python work.py side", b"cmd: another"))
    for entry in (project / ".dvc/cache/runs").glob("*/*/*"):
        entry.unlink()
    command = [sys.executable, "-m", "dvc", "repro", "-q", "--single-item", "side"]
    assert subprocess.run(command, env=toy.environment(), capture_output=True).returncode != 0  # DVC's fault
    graph.read()
    subprocess.run(command, env=toy.environment(), check=True)
    assert (project / "side.txt").exists()


def test_litter_in_a_dependency_is_gone_before_it_is_hashed(project: Path) -> None:
    """`validation` depends on the folder `made`."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    (project / f"made/.left.{dead.pid}.onetrunk.tmp").write_text("half")
    assert not graph.read().changed


def test_litter_of_a_living_process_stays(project: Path) -> None:
    living = project / f"made/.left.{os.getpid()}.onetrunk.tmp"
    living.write_text("half")
    assert dvc_files.mend(project) == []
    assert living.exists()


def git(project: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=project, check=True)
