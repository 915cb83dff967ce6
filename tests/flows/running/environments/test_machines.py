"""Machines as people have them: a run works, or says in one sentence within seconds what is wrong.

Each test is a run of the toy project, or another command of it, in a process of its own. Those that have a
Prefect server of their own are few, since that takes most of a run's time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from components import params
from components.errors import UserError
from flows.running import disk, history
from tests import disks
from tests.conftest import build_project
from tests.flows import toy
from tests.flows.conftest import Server
from tests.flows.running.environments.toy_project import DVC, STAGES, onetrunk, require

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.8)]


SECOND = """\
  second:
    cmd: python work.py second second.txt
    deps: [made]
    outs: [second.txt]
"""


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        pytest.param("exec >&- 2>&- <&-", {"HOME": "/dev/null/nowhere"}, id="HOME is below a file, and all streams are closed"),
        pytest.param("true", {"HOME": "/proc/nowhere", "TMPDIR": "/proc/nowhere"}, id="HOME and TMPDIR are missing and cannot be made"),
        pytest.param("umask 077", {"HOME": None}, id="HOME is not set, and umask 077"),
    ],
)  # fmt: skip
def test_a_run_ends_well(server: Server, project: Path, shell: str, variables: dict[str, str | None]) -> None:
    ended = onetrunk(project, "run", shell=shell, **server.environment, **variables)
    assert (ended.code, ended.err, ended.ran, ended.left) == (0, "", STAGES, [])


def test_a_read_only_home_is_enough(server: Server, project: Path) -> None:
    home = project.parent / "home"
    home.mkdir()
    require("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(home))
    read_only = f"mount -t tmpfs -o ro tmpfs {home}"
    ended = onetrunk(
        project, "run", shell=read_only, wrapper=("unshare", "--mount"), HOME=str(home), **server.environment
    )
    assert (ended.code, ended.err, ended.ran) == (0, "", STAGES)


STARTS = """
import os, subprocess, sys, time
server = [sys.executable, "-m", "flows.running.server_process", str(os.getpid()), "app:app"]
server += ["--app-dir", sys.argv[1], "--port", "0"]
print(subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid, flush=True)
time.sleep(600)
"""


def test_the_runs_server_ends_with_a_run_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("async def app(scope, receive, send):\n    pass\n")
    run = subprocess.Popen(
        [sys.executable, "-c", STARTS, tmp_path], env=toy.environment(), stdout=subprocess.PIPE, text=True
    )
    assert run.stdout
    server = psutil.Process(int(run.stdout.readline()))
    toy.wait_for(lambda: any(one.status == "LISTEN" for one in server.net_connections()))
    run.kill()
    run.wait()
    toy.wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


NAMED = """
stages:
  vérifié:
    cmd: python work.py ünïcode "größe 表/🙂.txt"
    deps: [work.py, "input.txt", "naïve 表.csv"]
    outs: ["größe 表"]
"""
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


@pytest.mark.parametrize(
    ("of_run", "of_status"),
    [({"LC_ALL": "C", "LANG": "C"}, ASCII), (ASCII, {"LC_ALL": "POSIX"})],
    ids=["C, then ASCII alone", "ASCII alone, then POSIX"],
)
def test_names_and_output_beyond_ascii_do_with_any_locale(
    server: Server, tmp_path: Path, of_run: dict[str, str], of_status: dict[str, str]
) -> None:
    project = toy.make(tmp_path / "größe 表 🙂", NAMED)
    (project / "naïve 表.csv").write_text("text\n")
    said = 'print("ünïcode 表 🙂 said")\n'
    work = (project / "work.py").read_text(encoding="utf-8")
    (project / "work.py").write_text(work + said, encoding="utf-8")
    unset = dict.fromkeys(("PYTHONUTF8", "LC_CTYPE", "LANGUAGE"))
    ended = onetrunk(project, "run", **{**server.environment, **unset, **of_run})
    assert (ended.code, ended.err) == (0, "")
    assert "ünïcode 表 🙂 said" in (project / ".onetrunk/logs/vérifié.log").read_text(encoding="utf-8")
    assert (project / "größe 表/🙂.txt").is_file()
    shown = onetrunk(project, "status", **{**unset, **of_status})
    assert (shown.code, shown.err) == (0, "")


def test_a_repository_of_another_user_without_a_commit_or_an_identity(server: Server, project: Path) -> None:
    """Git itself would refuse the folder, and knows nobody who could commit."""
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    subprocess.run(["chown", "-R", "65534:65534", project], check=True)
    nobody = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "EMAIL": None}
    refused = subprocess.run(
        ["git", "status"],
        cwd=project,
        env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"},
        capture_output=True,
    )
    assert b"dubious ownership" in refused.stderr
    ended = onetrunk(project, "run", **{**server.environment, **nobody})
    assert (ended.code, ended.err, ended.ran, ended.left) == (0, "", STAGES, [])


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static time_t shift(void) { return access(PUT_BACK, F_OK) == 0 ? -36000 : 0; }
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, now);
    if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) now->tv_sec += shift();
    return code;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec, now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
"""


@pytest.fixture
def put_back(tmp_path: Path) -> tuple[Path, Path]:
    """A library for LD_PRELOAD, and the file that puts the clock back by ten hours once it is there."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler here")
    order, source, library = tmp_path / "put_back", tmp_path / "shim.c", tmp_path / "shim.so"
    source.write_text(SHIM)
    define = f'-DPUT_BACK="{order}"'
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, define, source, "-ldl"], check=True)
    return library, order


def test_a_clock_that_is_put_back_between_stages_changes_nothing(
    server: Server, project: Path, put_back: tuple[Path, Path]
) -> None:
    library, order = put_back
    with (project / "dvc.yaml").open("a") as file:
        file.write(SECOND)
    work = project / "work.py"
    work.write_text(work.read_text() + f'\nif stage == "first": pathlib.Path("{order}").touch()\n')
    preloaded = {**server.environment, "LD_PRELOAD": str(library)}
    ended = onetrunk(project, "run", **preloaded)
    assert (ended.code, ended.err, ended.ran) == (0, "", {*STAGES, "second"})
    times = [when for _, _, when in toy.events(project)]
    assert max(times) - min(times) > 9 * 3600, "the clock was not put back"
    shown = onetrunk(project, "status", **preloaded)
    assert "onetrunk run completed" in shown.out
    assert "after 0 s" in shown.out  # it cannot be known, and is never below nothing
    again = onetrunk(project, "run", **preloaded)
    assert "all skipped: nothing has changed" in again.out


def test_the_logs_of_a_run_stay_though_its_clock_is_behind_those_of_before(tmp_path: Path) -> None:
    for second in range(history.LOGS_KEPT + 1):
        history.make_log_folder(tmp_path, f"2026-01-01T00:00:{second:02d}+00:00")
    history.make_log_folder(tmp_path, "2020-01-01T00:00:00+00:00")
    assert history.log_folder(tmp_path, "2020-01-01T00:00:00+00:00").is_dir()
    assert len(list((tmp_path / history.RUNS).iterdir())) == history.LOGS_KEPT


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with 200 MB left."""
    with disks.small(tmp_path / "small", "size=200m") as folder:
        yield folder


def test_200_mb_are_enough_for_a_small_project_and_said_to_be_too_little_for_a_large_one(
    server: Server, small_disk: Path, tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = toy.make(small_disk / "project", DVC)
    ended = onetrunk(project, "run", **server.environment)
    assert (ended.code, ended.err, ended.ran) == (0, "", STAGES)
    build_project(small_disk / "large", tiny_encoder)
    monkeypatch.chdir(small_disk / "large")
    loaded = params.load()
    disk.require_room(small_disk, disk.of_a_model(loaded))
    with Path("encoder/model-00001-of-00002.safetensors").open("wb") as file:
        file.truncate(90_000_000)  # takes no room: what is asked is its length
    with pytest.raises(UserError, match=r"MB free on this disk, and a run needs 37\d and more"):
        disk.require_room(small_disk, disk.of_a_model(loaded))
