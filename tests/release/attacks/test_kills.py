"""Failing pushes, races and kills: the champion is always one whole release, the old or the new. Real git throughout."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from components.release import moves, registry
from components.release.git import TURN
from tests.release.attacks.champions import champion
from tests.release.bentos import git, release, two_releases

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.3)]  # dozens of git processes each


def test_a_push_that_fails_half_way_leaves_the_old_champion_or_the_new_one(
    project: Path, tmp_path: Path
) -> None:
    """A remote that protects tags of one kind or another."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "clone", "-q", "--bare", str(project), str(bare))
    release(project, "a")
    git(project, "push", "-q", str(bare), "--tags")
    release(project, "b")
    for protected, expected in (("champion", "v1.0.0"), ("@v", "v1.0.1"), ("previous", "v1.0.1")):
        remote = Path(shutil.copytree(bare, tmp_path / f"without {protected}"))
        hook = remote / "hooks/update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f'#!/bin/sh\ncase "$1" in *{protected}*) exit 1;; esac\n')
        hook.chmod(0o755)
        pushed = subprocess.run(
            ["git", "push", "-q", str(remote), "--tags"], cwd=project, capture_output=True
        )
        assert pushed.returncode != 0
        clone = tmp_path / f"clone without {protected}"
        git(tmp_path, "clone", "-q", str(remote), str(clone))
        shutil.copytree(project / ".dvc/cache", clone / ".dvc/cache")
        assert champion(clone) == expected


def test_tags_that_a_killed_writer_did_not_come_to_are_written_by_the_next(project: Path) -> None:
    for bundle in ("a", "b"):
        release(project, bundle)
    whole = set(git(project, "tag").split())
    for name in ("tiny@v1.0.1", "tiny#previous#4"):
        git(project, "tag", "-d", name)
    left = project / ".git/refs/tags/tiny@v1.0.1.lock"
    left.touch()
    (project / ".git" / TURN).write_text("refs/tags/tiny@v1.0.1")
    assert champion(project) == "v1.0.1"
    release(project, "b")  # changes nothing, but for what is missing
    assert set(git(project, "tag").split()) == whole
    assert not left.exists()
    git(project, "tag", "-d", "tiny@v1.0.1")
    moves.promote("v1.0.1", "", project)  # likewise
    assert set(git(project, "tag").split()) == whole


def test_git_is_told_to_create_the_champions_tag_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It moves tags into place one by one, and whoever is killed there leaves the first of them."""
    project, said, place = two_releases(tmp_path / "project"), tmp_path / "said", tmp_path / "bin"
    place.mkdir()
    real = shutil.which("git")
    told = f'*update-ref*) tee {said} | {real} "$@";; *) exec {real} "$@";;'
    (place / "git").write_text(f'#!/bin/sh\ncase "$*" in {told} esac\n')
    (place / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    moves.promote("v1.0.0", "", project, "rollback")
    first, *others = said.read_text().splitlines()
    assert first.startswith("create refs/tags/tiny#champion#5 ")
    assert [other.split()[:2] for other in others] == [["create", "refs/tags/tiny#previous!#6"]]


@pytest.mark.parametrize("left", [b"\0" * 40, b"\xff\xfe", b"refs/tags/tiny@v1.0.1\n\0\0"])
def test_a_note_that_a_power_cut_has_torn_stops_no_rollback(tmp_path: Path, left: bytes) -> None:
    project = two_releases(tmp_path / "project")
    (project / ".git" / TURN).write_bytes(left)
    moves.promote("v1.0.0", "", project, "rollback")
    assert champion(project) == "v1.0.0"


def _in_another_process(work: Callable[[], object]) -> multiprocessing.Process:
    """Started, in a process group of its own."""

    def run() -> None:
        os.setsid()
        work()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()  # type: ignore[attr-defined, unused-ignore]
    return process  # type: ignore[return-value, unused-ignore]


@pytest.mark.slow
def test_a_writer_waits_for_the_git_of_one_that_was_killed_and_says_so(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else it would take git's lock files for those of the dead."""
    for bundle in ("a", "b"):
        release(project, bundle)
    slow, started, done = (tmp_path / name for name in ("slow", "started", "done"))
    slow.mkdir()
    waits = f"*update-ref*) touch {started}; sleep 2; touch {done};;"
    script = f'#!/bin/sh\ncase "$*" in {waits} esac\nexec {shutil.which("git")} "$@"\n'
    (slow / "git").write_text(script)
    (slow / "git").chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", f"{slow}{os.pathsep}{os.environ['PATH']}")
        writer = _in_another_process(partial(moves.promote, "v1.0.0", "", project))
        while not started.exists():
            time.sleep(0.01)
        writer.kill()  # but not its git
        writer.join()
    moves.promote("v1.0.1", "", project)
    assert done.exists()
    assert "onetrunk.lock: another command writes releases here; waiting" in capsys.readouterr().err
    assert [move.of for move in registry.read(project).moves[-2:]] == ["v1.0.0", "v1.0.1"]


@pytest.mark.slow
def test_a_promotion_during_a_rollback_ends_in_one_of_them(project: Path) -> None:
    for bundle in ("a", "b", "c"):
        release(project, bundle)
    works: list[Callable[[], object]] = [
        lambda: moves.promote("v1.0.0", "", project, "rollback"),
        lambda: moves.promote("v1.0.1", "", project),
    ]
    for _ in range(5):
        processes = [_in_another_process(work) for work in works]
        for process in processes:
            process.join()
            assert process.exitcode == 0
        assert champion(project) in ("v1.0.0", "v1.0.1")
        numbers = [tag.number for tag in registry.read(project).tags if tag.stage]
        assert len(set(numbers)) == len(numbers)


def _took(work: Callable[[], object]) -> float:
    """The seconds that a work takes here in a process of its own."""
    begun = time.monotonic()
    _in_another_process(work).join()
    return time.monotonic() - begun


def _killed(work: Callable[[], object], after: float, how: Callable[[int, int], None]) -> bool:
    """Kill a work after so many seconds; False if it was quicker."""
    process = _in_another_process(work)
    process.join(after)
    if process.is_alive() and process.pid:
        try:
            how(process.pid, signal.SIGKILL)
        except ProcessLookupError:  # not yet a group
            process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_any_instant_the_champion_is_whole_the_old_or_the_new(project: Path) -> None:
    """50 kills of releases, promotions and rollbacks: of the process alone, or of its git as well."""
    dice = random.Random(11)
    for bundle in ("first", "second"):
        release(project, bundle)
    span = {
        "release": _took(partial(release, project, "third")),
        "promote": _took(partial(moves.promote, "v1.0.0", "", project)),
        "rollback": _took(partial(moves.promote, "v1.0.1", "", project, "rollback")),
    }
    killed = tried = 0
    while killed < 50 and tried < 400:  # a work may be quicker than its kill
        tried += 1
        before = champion(project)
        others = sorted(set(registry.read(project).versions) - {before})
        stage, target = dice.choice(list(span)), dice.choice(others)
        work = (
            partial(release, project, f"bundle{tried}")
            if stage == "release"
            else partial(moves.promote, target, "", project, "rollback" if stage == "rollback" else "promote")
        )
        how = os.killpg if dice.random() < 0.5 else os.kill
        killed += _killed(work, dice.random() * span[stage], how)
        now = champion(project)
        new = set(registry.read(project).versions) - {before, *others} if stage == "release" else {target}
        assert now == before or now in new, tried
    assert killed == 50
    release(project, "last")  # no lock of a dead writer is in the way
    found = registry.read(project)
    assert {tag.version for tag in found.tags if tag.version} == set(found.versions)
    assert not list((project / ".git/refs").rglob("*.lock"))
