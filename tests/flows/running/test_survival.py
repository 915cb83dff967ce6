"""A run survives its reader, its log, its server and its disk; what did not run is never called done."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import disks
from tests.flows import toy
from tests.flows.conftest import OWN_SERVER, Server

# Each test is a run or two.
pytestmark = [pytest.mark.slow, pytest.mark.minutes(1), pytest.mark.usefixtures("forking_commands")]
RUN = [
    sys.executable,
    "-m",
    "flows.cli",
    "run",
]  # in a process of its own, for one that is killed or not heard
STAGES = {"plan", "train"}  # of toy.CHAIN


def done(project: Path) -> set[str]:
    return {stage for stage, what, _ in toy.events(project) if what == "end"}


def record(project: Path) -> dict[str, Any]:
    return dict(json.loads((project / ".onetrunk/run.json").read_text()))


@pytest.mark.parametrize("lines", [0, 1], ids=["| true", "| head -1"])
def test_a_run_goes_on_when_nobody_reads_it(server: Server, tmp_path: Path, lines: int) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN)
    with subprocess.Popen(
        RUN, cwd=project, env=toy.environment(**server.environment), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout and process.stderr
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        assert process.wait(300) == 0, process.stderr.read()
    assert done(project) == STAGES
    assert record(project)["state"] == "completed"


def test_output_that_a_full_disk_does_not_take_stops_nothing(server: Server, tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN)
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            RUN, cwd=project, env=toy.environment(**server.environment), stdout=full, stderr=subprocess.PIPE
        )
    assert result.returncode == 0, result.stderr
    assert done(project) == STAGES


def test_a_log_that_cannot_be_written_fails_its_stage_and_the_run(server: Server, tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN)
    work = project / "work.py"
    made = 'pathlib.Path(".onetrunk/logs/train.log").mkdir()'
    work.write_text(work.read_text() + f'\nif stage == "plan": {made}\n')
    result = toy.onetrunk(project, "run", **server.environment)
    assert result.returncode == 1
    assert "train.log: a folder; expected a file" in result.stdout
    assert done(project) == STAGES - {"train"}
    assert record(project)["state"] == "failed"
    assert server.flow_runs(project)[-1]["state_type"] == "FAILED"


DIES = """
from flows.running import dvc_stage
run = dvc_stage.run

def die(root, stage, follow):
    if stage == "plan":
        raise SystemExit("killed in the middle")
    return run(root, stage, follow)

dvc_stage.run = die
from flows.cli import main
main(["run"])
"""


def test_a_task_that_dies_without_a_word_fails_the_run(server: Server, tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN)
    result = subprocess.run(
        [sys.executable, "-c", DIES], cwd=project, env=toy.environment(**server.environment),
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 1, result.stdout + result.stderr
    assert re.search("plan: was not run: (Crashed|its task has died)", result.stdout), result.stdout
    assert "held up: train" in result.stdout
    assert record(project)["state"] == "failed"


def test_a_run_whose_input_changes_meanwhile_is_not_up_to_date(server: Server, tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN)
    work = project / "work.py"
    work.write_text(work.read_text() + '\nif stage == "train": pathlib.Path("input.txt").write_text("two")\n')
    result = toy.onetrunk(project, "run", **server.environment)
    assert result.returncode == 1
    assert "not up to date after the run: plan" in result.stdout
    assert toy.onetrunk(project, "run", **server.environment).returncode == 0


def test_a_killed_stage_fails_the_run_and_the_same_command_ends_well(server: Server, tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN.replace(" 0.2", " 300"))
    process = subprocess.Popen(
        RUN, cwd=project, env=toy.environment(**server.environment), stdout=subprocess.PIPE, text=True
    )
    toy.wait_for(lambda: len(toy.events(project)) == 1)
    for below in psutil.Process(process.pid).children(recursive=True):
        below.kill()
    said, _ = process.communicate(timeout=180)
    assert process.returncode == 1, said
    assert record(project)["state"] == "failed"
    (project / "dvc.yaml").write_text(toy.CHAIN)
    assert toy.onetrunk(project, "run", **server.environment).returncode == 0


def test_a_run_outlives_its_server_and_says_so_once(server: Server, tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN)
    server.spare_first_start(project / OWN_SERVER)
    (project / "orders/plan.until").write_text("server ended")
    process = subprocess.Popen(
        RUN, cwd=project, env=toy.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    toy.wait_for(lambda: len(toy.events(project)) == 1)
    servers = [
        below
        for below in psutil.Process(process.pid).children(recursive=True)
        if "server_process" in " ".join(below.cmdline())
    ]
    assert servers
    for one in servers:
        one.kill()
    assert process.stderr
    began = time.monotonic()
    said = process.stderr.readline()
    assert time.monotonic() - began < 30  # and not only when Prefect gives up
    assert said.endswith("is gone; the stages go on without it\n")
    with (project / "events.log").open("a") as log:
        log.write(f"server ended {time.time()}\n")
    out, errors = process.communicate(timeout=300)
    assert (process.returncode, errors) == (0, "")
    assert "2 stages: 2 run" in out
    assert done(project) == STAGES
    ended = max(when for _, _, when in toy.events(project))
    assert time.time() - ended < 60  # Prefect itself waits for minutes
    assert record(project)["state"] == "completed"


def mount(folder: Path, *options: str) -> None:
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    with disks.small(tmp_path / "small", "size=24m") as folder:
        yield folder


@pytest.mark.parametrize(("command", "leave"), [("run", 0), ("check", 30_000)])
def test_a_full_disk_is_one_sentence_before_anything_starts(
    small_disk: Path, server: Server, command: str, leave: int
) -> None:
    project = toy.make(small_disk / "project", toy.CHAIN)
    toy.onetrunk(project, "status")  # DVC's own folders
    ballast = disks.fill(small_disk, leave)
    result = toy.onetrunk(project, command, **server.environment)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "free" in result.stderr
    assert not toy.events(project)
    ballast.unlink()
    assert toy.onetrunk(project, command, **server.environment).returncode == 0


FILLS = """
if stage == "plan":
    import pathlib, shutil
    ballast = pathlib.Path("ballast")
    if not pathlib.Path("again").exists():
        with ballast.open("wb") as file:
            file.write(b"0" * (shutil.disk_usage(".").free - LEAVE))
"""


@pytest.mark.parametrize(("own_server", "leave"), [(False, 20_000), (True, 0), (True, 40_000)])
def test_a_disk_that_fills_in_the_middle_fails_the_run_in_a_sentence_and_the_next_one_ends_well(
    small_disk: Path, server: Server, own_server: bool, leave: int
) -> None:
    project = toy.make(small_disk / "project", toy.CHAIN)
    work = project / "work.py"
    work.write_text(work.read_text().replace("orders =", FILLS.replace("LEAVE", str(leave)) + "\norders ="))
    if own_server:
        server.spare_first_start(project / OWN_SERVER)
    result = toy.onetrunk(project, "run", **({} if own_server else server.environment))
    assert (result.returncode == 0) == (record(project)["state"] == "completed")
    # A stage that has ended, and that could not be recorded, has not been run; the other way round is a lie.
    assert result.returncode != 0 or done(project) == STAGES
    assert leave or result.returncode != 0, result.stdout
    assert "Traceback" not in result.stdout + result.stderr
    assert len(result.stderr.splitlines()) <= 1, result.stderr
    (project / "ballast").unlink()
    (project / "again").touch()
    result = toy.onetrunk(project, "run", **server.environment)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("command", ["run", "check", "status"])
def test_a_read_only_project_is_one_sentence(finished_toy: Path, command: str) -> None:
    mount(finished_toy, "--bind", str(finished_toy))
    try:
        mount(finished_toy, "-o", "remount,bind,ro")
        began = time.monotonic()
        result = toy.onetrunk(finished_toy, command)
        assert time.monotonic() - began < 10
        assert result.returncode == 2, result.stdout
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert "read-only" in result.stderr
    finally:
        subprocess.run(["umount", "-l", str(finished_toy)], check=True)


@pytest.mark.parametrize("command", ["status", "predict a", "run", "check"])
def test_releases_of_an_earlier_version_are_named_and_not_taken_for_none(
    finished_toy: Path, command: str
) -> None:
    (finished_toy / "releases").mkdir()
    (finished_toy / "releases/index.json").write_text("[]")
    result = toy.onetrunk(finished_toy, *command.split())
    assert result.returncode == 2
    assert "run `onetrunk upgrade` once, which takes them over" in result.stderr
    assert len(result.stderr.splitlines()) == 1
