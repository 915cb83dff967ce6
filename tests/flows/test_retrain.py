"""The flow against a real Prefect server and real DVC, on synthetic projects."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.running.dvc_stage import SECONDS_TO_SAVE
from tests.flows import toy
from tests.flows.conftest import OWN_SERVER, Server

pytestmark = [pytest.mark.slow, pytest.mark.minutes(0.5), pytest.mark.usefixtures("forking_commands")]

RECORD = ".onetrunk/run.json"


def run(project: Path, server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    return toy.onetrunk(project, *(arguments or ["run"]), **server.environment)


COMMON: dict[str, Any] = {
    "schema_version": 1,
    "model": {"sha256": "ab"},
    "champion": None,
    "confidence": 0.95,
}
METRIC = {
    "value": 0.8,
    "interval": [0.7, 0.9],
    "trivial": 0.4,
    "linear": 0.6,
    "over_trivial": [0.3, 0.5],
    "over_linear": [0.1, 0.3],
    "champion": None,
}
HEAD = {
    "task": "mood",
    "family": "classification",
    "rows": {"train": 800, "validation": 100, "test": 100},
    "metrics": {"accuracy": METRIC},
    "classes": [],
    "share": 1.0,
}
HELD = {"metric": "accuracy", "floor": 0.1, "margin": 0.02, "gate": "hold", "why": "too few rows"}
REPORTS = {  # synthetic; what evaluation and gate leave
    "evaluation": {**COMMON, "tasks": {"mood": HEAD}},
    "verdict": {**COMMON, "verdict": "HOLD", "tasks": {"mood": HELD}, "dropped": {}},
}

MARKDOWN = "## HOLD: The evidence is not enough for 1 task: nothing is released.\n"  # as the gate writes it


@pytest.fixture(scope="module")
def finished(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with reports after its first run; beside it what the terminal and the artifact showed.

    In that run each fetch waits until the other has begun.
    """
    project = toy.make(tmp_path_factory.mktemp("flow") / "project")
    for one, other in (("left", "right"), ("right", "left")):
        (project / f"orders/fetch@{one}.until").write_text(f"fetch@{other} start")
    (project / "reports").mkdir()
    for name, report in REPORTS.items():
        (project / "reports" / f"{name}.json").write_text(json.dumps(report))
    (project / "reports/evaluation.md").write_text(MARKDOWN)
    result = run(project, server)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    (project.parent / "terminal.txt").write_text(result.stdout)
    (project.parent / "artifact.md").write_text(server.artifact(project))
    return project


def test_the_summary_is_written_shown_and_published(finished: Path) -> None:
    assert json.loads((finished / "reports/summary.json").read_text())["verdict"] == "HOLD"
    terminal, artifact = (
        (finished.parent / "terminal.txt").read_text(),
        (finished.parent / "artifact.md").read_text(),
    )
    assert "Verdict: HOLD" in terminal
    assert "onetrunk status" in terminal
    assert artifact == MARKDOWN


def test_a_stage_starts_after_what_it_depends_on(finished: Path) -> None:
    when = {(stage, what): at for stage, what, at in toy.events(finished)}
    for before, after in [
        ("fetch@left", "plan"),
        ("fetch@right", "plan"),
        ("fetch@left", "side"),
        ("plan", "train"),
    ]:
        assert when[before, "end"] < when[after, "start"]


def test_dvc_repro_leaves_the_same_lock_byte_for_byte(finished: Path, tmp_path: Path) -> None:
    twin = toy.make(tmp_path / "twin")
    subprocess.run([sys.executable, "-m", "dvc", "repro", "-q"], cwd=twin, env=toy.environment(), check=True)
    assert (finished / "dvc.lock").read_bytes() == (twin / "dvc.lock").read_bytes()


def test_every_stage_is_a_task_run_of_its_name(finished: Path, server: Server) -> None:
    flow_run = server.flow_runs(finished)[0]
    assert flow_run["state_type"] == "COMPLETED"
    stages = ["fetch@left", "fetch@right", "side", "train", "plan"]
    toy.wait_for(lambda: server.task_states(flow_run) == dict.fromkeys(stages, "Ran"))


def test_a_second_run_skips_every_stage_without_a_process(finished: Path, server: Server) -> None:
    project = finished
    before = toy.events(project)
    shutil.rmtree(project / ".onetrunk/runs")
    runs = len(server.flow_runs(project))
    result = run(project, server)
    assert result.returncode == 0
    assert "5 stages, all skipped: nothing has changed" in result.stdout
    assert toy.events(project) == before
    assert not (project / ".onetrunk/runs").exists()
    assert len(server.flow_runs(project)) == runs  # nothing to do needs no server


def test_a_scheduled_run_with_nothing_changed_shows_every_stage_as_skipped(
    finished: Path, server: Server
) -> None:
    before = toy.events(finished)
    flow = [sys.executable, "-c", "from flows.retrain import retrain; retrain()"]  # as a worker calls it
    done = subprocess.run(
        flow, cwd=finished, env=toy.environment(**server.environment), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "5 stages: 0 run, 5 up to date and skipped" in done.stdout
    assert toy.events(finished) == before
    states = toy.wait_for(lambda: server.task_states(server.flow_runs(finished)[-1]))
    assert set(states.values()) == {"Skipped"}


def test_independent_stages_overlap(finished: Path) -> None:
    when = {(stage, what): at for stage, what, at in toy.events(finished)}
    starts = [when["fetch@left", "start"], when["fetch@right", "start"]]
    assert max(starts) < min(when["fetch@left", "end"], when["fetch@right", "end"])


def test_check_retries_a_passing_failure_and_goes_no_further_than_the_plan(
    server: Server, tmp_path: Path
) -> None:
    project = toy.make(tmp_path / "project")
    (project / "orders/fetch@left").write_text("75 0")
    result = run(project, server, "check")
    assert result.returncode == 0, result.stdout + result.stderr
    happened = [(stage, what) for stage, what, _ in toy.events(project)]
    assert happened.count(("fetch@left", "start")) == 2
    assert {stage for stage, _ in happened} == {"fetch@left", "fetch@right", "plan"}


def test_a_users_mistake_in_a_stage_fails_the_flow_and_only_what_depends_on_it(
    server: Server, tmp_path: Path
) -> None:
    project = toy.make(tmp_path / "project")
    (project / "orders/fetch@right").write_text("2")
    (project / "reports").mkdir()
    (project / "reports/summary.json").write_text('{"verdict": "PROMOTE", "bento": null, "tasks": {}}')
    result = run(project, server)
    assert result.returncode == 2
    assert "fetch@right: fetch@right was told to fail" in result.stdout
    assert "held up: plan, train" in result.stdout
    assert "PROMOTE" not in result.stdout
    assert not (project / "reports/summary.json").exists()
    happened = [(stage, what) for stage, what, _ in toy.events(project)]
    assert happened.count(("fetch@right", "start")) == 1  # no retry
    assert ("side", "end") in happened  # independent of it
    assert not {"plan", "train"} & {stage for stage, _ in happened}
    flow_run = server.flow_runs(project)[-1]
    assert flow_run["state_type"] == "FAILED"
    assert flow_run["state"]["message"] == "fetch@right: fetch@right was told to fail"
    expected = {"fetch@right": "Failed", "plan": "NotReady", "train": "NotReady"}
    toy.wait_for(lambda: expected.items() <= server.task_states(flow_run).items())
    assert "fetch@right was told to fail" in server.artifact(project)


HOLD = """
import fcntl, pathlib, time
log = pathlib.Path(".onetrunk/logs/waiter.log")
with open(".dvc/tmp/lock", "a") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    pathlib.Path("made").mkdir(exist_ok=True)
    pathlib.Path("made/held").write_text("")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (log.exists() and "Unable to acquire lock" in log.read_text()):
        time.sleep(0.05)
pathlib.Path("held.txt").write_text("")
"""
WAIT = """
import pathlib, time
while not pathlib.Path("made/held").exists():
    time.sleep(0.05)
pathlib.Path("waited.txt").write_text("")
"""


def test_a_busy_dvc_lock_is_retried(server: Server, tmp_path: Path) -> None:
    """`holder` keeps DVC's lock until DVC has given up on `waiter`, whichever of the two begins first."""
    stage = "  {0}:\n    cmd: python {0}.py\n    deps: [{0}.py]\n    outs: [{1}]\n"
    stages = stage.format("holder", "held.txt") + stage.format("waiter", "waited.txt")
    project = toy.make(tmp_path / "project", "stages:\n" + stages)
    (project / "holder.py").write_text(HOLD)
    (project / "waiter.py").write_text(WAIT)
    result = run(project, server)
    assert result.returncode == 0, result.stdout
    assert "Unable to acquire lock" in result.stdout


def test_a_killed_run_leaves_no_zombie(server: Server, tmp_path: Path) -> None:
    """kill -9; the next run ends the orphaned stage, marks the old run Crashed, and completes."""
    project = toy.make(tmp_path / "project", toy.CHAIN.replace(" 0.2", " 300"))
    command = [sys.executable, "-m", "flows.cli", "run"]
    first = subprocess.Popen(
        command, cwd=project, env=toy.environment(**server.environment), stdout=subprocess.DEVNULL
    )
    toy.wait_for(lambda: len(toy.events(project)) == 1)
    rival = run(project, server)
    assert (rival.returncode, rival.stderr.count("\n")) == (2, 1)
    assert f"another run is going on (pid {first.pid})" in rival.stderr
    orphans = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    assert all(orphan.is_running() for orphan in orphans)
    assert "was interrupted" in toy.onetrunk(project, "status").stdout
    (project / "dvc.yaml").write_text(toy.CHAIN)
    result = run(project, server)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not any(orphan.is_running() for orphan in orphans)
    assert [flow_run["state_type"] for flow_run in server.flow_runs(project)] == ["CRASHED", "COMPLETED"]


AS_NOHUP = ("sh", "-c", """trap '' INT HUP; exec "$@" """, "sh")


@pytest.mark.parametrize("to_all", [False, True], ids=["to the run", "to all its processes"])
def test_an_interrupted_run_takes_its_stages_with_it(server: Server, tmp_path: Path, to_all: bool) -> None:
    """`timeout` and service managers signal all processes: the run's own server must outlive that, to be told.
    Behind nohup, or in the background of a script, the run has begun with signals that are ignored."""
    project = toy.make(tmp_path / "project", toy.DVC.replace(" 0.2", " 300"))
    environment = toy.environment() if to_all else toy.environment(**server.environment)
    if to_all:
        server.spare_first_start(project / OWN_SERVER)
    process = subprocess.Popen(
        [*AS_NOHUP, sys.executable, "-m", "flows.cli", "run"], cwd=project, env=environment, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    toy.wait_for(lambda: len(toy.events(project)) == 2)
    if not to_all:
        process.send_signal(signal.SIGHUP)  # the terminal is closed
    others = psutil.Process(process.pid).children(recursive=True)
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=SECONDS_TO_SAVE - 10)
    assert process.returncode == 130
    assert errors == "interrupted; the same command goes on from here\n"
    toy.wait_for(lambda: not any(other.is_running() for other in others))


def test_the_record_says_how_the_last_run_ended(finished: Path) -> None:
    record = json.loads((finished / RECORD).read_text())
    assert (record["state"], record["target"]) == ("completed", None)


def test_without_a_server_a_run_brings_its_own_and_keeps_the_terminal_clean(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", toy.CHAIN)
    result = toy.onetrunk(project, "run")
    assert (result.returncode, result.stderr) == (0, "")
    assert (project / ".onetrunk/prefect").is_dir()
    starting = result.stdout.splitlines()[0]
    assert starting.startswith("2 stages, 2 of them not up to date; starting Prefect's server")
    assert "2 stages: 2 run, 0 up to date and skipped" in result.stdout
