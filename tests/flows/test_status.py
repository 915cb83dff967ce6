"""What `onetrunk status` and `onetrunk history` say of runs that really ran."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from flows import status
from flows.running import clock, history, run_state
from tests.flows import toy
from tests.flows.conftest import Server

GATE = """
stages:
  train:
    cmd: python work.py train model.txt
    deps: [work.py, input.txt]
    outs: [model.txt]
  gate:
    cmd: python gate.py
    deps: [gate.py, model.txt, order.txt]
    outs: [reports/verdict.json]
"""
JUDGE = """
import json, pathlib, sys

verdict = pathlib.Path("order.txt").read_text().strip()
pathlib.Path("reports").mkdir(exist_ok=True)
said = {"schema_version": 1, "verdict": verdict, "model": {"sha256": "m"}, "champion": None}
dropped = {} if verdict == "PROMOTE" else {"mood": "too bad"}
kept = [{"head": name, "gate": "hold", "why": why} for name, why in dropped.items()]
said = {**said, "confidence": 0.95, "tasks": {}, "dropped": dropped}
summary = {"schema_version": 2, "verdict": verdict, "bento": None, "tasks": {}, "kept_back": kept}
pathlib.Path("reports/verdict.json").write_text(json.dumps(said))
pathlib.Path("reports/summary.json").write_text(json.dumps(summary))
if dropped:
    sys.exit(print(f"error: the gate says {verdict}, nothing is packaged; mood: too bad") or 2)
"""


@pytest.fixture
def judged(tmp_path: Path, forking_commands: None) -> Path:
    """A project whose gate says what order.txt says; PROMOTE at first."""
    project = toy.make(tmp_path / "project", GATE)
    (project / "gate.py").write_text(JUDGE)
    (project / "order.txt").write_text("PROMOTE")
    model = {"schema_version": 1, "model": {"sha256": "m"}}
    evidence = {**model, "champion": None, "confidence": 0.95, "tasks": {}}
    (project / "reports").mkdir()
    (project / "reports/evaluation.json").write_text(json.dumps(evidence))
    return project


def verdict_line(project: Path) -> str:
    shown = toy.onetrunk(project, "status").stdout
    return next(line for line in shown.splitlines() if line.startswith("verdict"))


def test_the_verdict_is_of_the_model_that_is_here_until_something_before_the_gate_changes(
    server: Server, judged: Path
) -> None:
    assert toy.onetrunk(judged, "run", **server.environment).returncode == 0
    assert "PROMOTE, today" in verdict_line(judged)
    (judged / "order.txt").write_text("REJECT")
    rejected = toy.onetrunk(judged, "run", **server.environment)
    assert rejected.returncode == 2
    assert rejected.stdout.count("too bad") == 1  # the reason, and what is next, are said once
    assert rejected.stdout.count("Next:") == 1
    assert "REJECT, today" in verdict_line(judged)  # which DVC does not record: no older for that
    assert "of the model that is here" in verdict_line(judged)

    (judged / "reports/summary.json").write_text('{"verdict": "HOLD", "bento": null, "tasks": {}}')
    assert "REJECT" in verdict_line(judged)  # a file that DVC does not track has no say

    (judged / "input.txt").write_text("two")
    assert "of an earlier state of the project" in verdict_line(judged)

    runs = json.loads(toy.onetrunk(judged, "history", "--json").stdout)
    assert [(run["state"], run["verdict"]) for run in runs] == [
        ("completed", "PROMOTE"),
        ("failed", "REJECT"),
    ]
    assert runs[0]["stages"].keys() == {"train", "gate"}
    assert runs[1]["stages"].keys() == {"gate"}
    assert all(clock.seconds_between(run["started"], run["ended"]) >= 0 for run in runs)
    shown = toy.onetrunk(judged, "history", COLUMNS="80").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert "gate failed" in shown


def test_the_log_of_a_failed_run_outlives_the_next_run(server: Server, judged: Path) -> None:
    (judged / "orders/train").write_text("1")
    failed = toy.onetrunk(judged, "run", **server.environment)
    log = judged / next(line for line in failed.stdout.splitlines() if "log: " in line).split("log: ")[1]
    assert "train was told to fail" in log.read_text()
    assert toy.onetrunk(judged, "run", **server.environment).returncode == 0
    assert "train was told to fail" in log.read_text()
    assert "told to fail" not in (judged / ".onetrunk/logs/train.log").read_text()  # the newest run's


def test_no_more_runs_and_logs_are_kept_than_said(tmp_path: Path) -> None:
    (tmp_path / ".onetrunk/logs").mkdir(parents=True)
    (tmp_path / ".onetrunk/logs/train.log").write_text("of a version with one folder for all runs")
    times = [f"2026-01-01T00:{n // 60:02d}:{n % 60:02d}+00:00" for n in range(history.KEPT + 5)]
    for number, time in enumerate(times):
        history.append(tmp_path, history.Run(time, time, "onetrunk run", "completed"))
        if number < history.LOGS_KEPT + 5:
            history.make_log_folder(tmp_path, time)
            assert (tmp_path / history.NEWEST).resolve() == history.log_folder(tmp_path, time).resolve()
        if number == 0:
            assert (tmp_path / history.RUNS / history.EARLIER / "train.log").is_file()
    assert [run.started for run in history.read(tmp_path)] == times[-history.KEPT :]
    kept = sorted(folder.name for folder in (tmp_path / history.RUNS).iterdir())
    assert len(kept) == history.LOGS_KEPT
    assert kept[-1] == "20260101T000024"


def test_a_persons_files_among_the_logs_stay(tmp_path: Path) -> None:
    runs = tmp_path / history.RUNS
    (runs / "0 my notes").mkdir(parents=True)
    for number in range(history.LOGS_KEPT + 2):
        history.make_log_folder(tmp_path, f"2026-01-01T00:00:{number:02d}+00:00")
        (runs / f"20260101T0000{number:02d}" / ("train.log" if number else "note.txt")).touch()
    assert (runs / "0 my notes").is_dir()
    assert (runs / "20260101T000000/note.txt").is_file()
    assert not (runs / "20260101T000001").exists()
    assert len(list(runs.iterdir())) == history.LOGS_KEPT + 2


def test_a_run_that_was_killed_is_remembered_as_interrupted(tmp_path: Path) -> None:
    killed = {"state": "running", "target": None, "locked": [], "started": "2026-01-01T00:00:00+00:00"}
    (tmp_path / ".onetrunk").mkdir()
    (tmp_path / run_state.RECORD).write_text(json.dumps(killed))
    assert [run.state for run in run_state.runs(tmp_path)] == ["interrupted"]
    run_state.begin(tmp_path, "validation", [])
    run_state.complete(tmp_path, "validation", {"fetch": 1.26})
    found = run_state.runs(tmp_path)
    assert [(run.command, run.state) for run in found] == [
        ("onetrunk run", "interrupted"), ("onetrunk check", "completed"),
    ]  # fmt: skip
    assert found[1].stages == {"fetch": 1.3}


@pytest.mark.usefixtures("forking_commands")
def test_a_failed_check_speaks_of_no_release(server: Server, tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project")
    (project / "orders/plan").write_text("2")
    failed = toy.onetrunk(project, "check", **server.environment)
    assert failed.returncode == 2
    assert "The check has failed." in failed.stdout
    assert "released" not in failed.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("forking_commands")
def test_a_changed_stage_says_why(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project", GATE)
    (project / "gate.py").write_text(JUDGE)
    (project / "order.txt").write_text("PROMOTE")
    shown = toy.onetrunk(project, "status").stdout
    assert "none of 2 has run yet" in shown
    (project / "dvc.lock").write_text("schema: '2.0'\nstages:\n  train:\n    cmd: of another day\n")
    shown = toy.onetrunk(project, "status").stdout
    assert "2 of 2 changed" in shown
    assert "train: code work.py" in shown
    assert "not run yet, or failed: gate" in shown
    reasons = [
        {"changed deps": {"params.yaml": {"training": "modified"}, "components/model": "modified"}},
        {"changed deps": {"data/ner": "modified"}},
        {"changed outs": {"models/multitask": "deleted"}},
        "changed command",
    ]
    assert status.why(reasons[:2]) == "settings training; code components/model; data data/ner"
    assert status.why(reasons[2:]) == "missing output models/multitask; its command"


@pytest.mark.slow
def test_status_imports_nothing_but_dvc_that_is_heavy(tmp_path: Path) -> None:
    project = toy.make(tmp_path / "project")
    heavy = {"torch", "transformers", "prefect", "bentoml", "pyarrow", "numpy", "pandas", "sklearn"}
    code = f"""
import sys
from flows.cli import main
try:
    main(["status"])
finally:
    print(sorted({heavy!r} & sys.modules.keys()))
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=project, env=toy.environment(), capture_output=True, text=True
    )
    assert result.stdout.splitlines()[-1] == "[]", result.stdout


def test_times_are_local_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now().astimezone()
    assert clock.local(clock.now()) == f"today {now:%H:%M}"
    assert clock.local("2020-05-06T07:08:09+00:00")[:11] in ("2020-05-06 ", "2020-05-05 ", "2020-05-07 ")
    assert [clock.duration(one) for one in (0.4, 59.6, 192, 7500)] == [
        "0 s",
        "1 min 00 s",
        "3 min 12 s",
        "2 h 05 min",
    ]
