"""A stage removes its own outputs and nobody else's files; `onetrunk clean` likewise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.errors import UserError
from components.files import atomic_folder
from flows.running import dvc_stage
from tests.flows import toy

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]  # DVC runs
PYTHON = sys.executable

FOLDER = """
import os, pathlib, signal
out = pathlib.Path("data/tickets")
out.mkdir(parents=True, exist_ok=True)
(out / "rows.txt").write_text(pathlib.Path("input.txt").read_text())
order = pathlib.Path("order.txt").read_text()
if order == "fail":
    raise SystemExit(3)
if order == "die":
    os.killpg(0, signal.SIGKILL)
(out / "more.txt").write_text("more")
"""
DVC = """
stages:
  ingest:
    cmd: python folder.py
    deps: [folder.py, input.txt]
    outs: [data/tickets]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One stage, whose output is a folder."""
    made = toy.make(tmp_path / "project", DVC)
    (made / "folder.py").write_text(FOLDER)
    (made / "order.txt").write_text("")
    return made


def repro(project: Path) -> dvc_stage.Outcome:
    return dvc_stage.run(project, "ingest", lambda line: None)


def put(project: Path, name: str) -> Path:
    """A file of the user's."""
    file = project / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("a person's work")
    return file


@pytest.mark.parametrize("ran_before", [False, True])
def test_a_stage_whose_output_holds_a_users_file_is_refused_and_the_file_stays(
    project: Path, ran_before: bool
) -> None:
    if ran_before:
        assert repro(project).verb == "ran"
        (project / "input.txt").write_text("another")
    mine = put(project, "data/tickets/deep/notes.csv")
    outcome = repro(project)
    assert (outcome.verb, outcome.exit_code) == ("failed", 2)
    assert outcome.message == (
        "data/tickets/deep/notes.csv: not made by this program, and ingest would remove it with all of data/tickets, "
        "its output; move it elsewhere, then give the same command again"
    )
    assert mine.read_text() == "a person's work"
    mine.unlink()
    assert repro(project).verb == "ran"


@pytest.fixture
def asked(project: Path) -> Path:
    """The same, as dvc.yaml has it: what is always run first looks at the outputs of all stages."""
    first = """
  program:
    cmd: [python -m flows.running.outputs, mkdir -p program, touch program/ingest.json]
    always_changed: true
    outs: [{program: {persist: true}}]
"""
    dvc = DVC.replace("deps: [", "deps: [program/ingest.json, ")
    (project / "dvc.yaml").write_text(dvc.rstrip() + first)
    return project


def plain(project: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dvc", "repro"]
    return subprocess.run(command, cwd=project, env=toy.environment(), capture_output=True, text=True)


def test_plain_dvc_repro_stops_before_it_removes_a_users_file(asked: Path) -> None:
    assert plain(asked).returncode == 0
    mine = put(asked, "data/tickets/notes.csv")
    (asked / "input.txt").write_text("another")
    stopped = plain(asked)
    assert stopped.returncode
    assert (
        "error: data/tickets/notes.csv: not made by this program, and ingest would remove it"
        in stopped.stderr
    )
    assert mine.read_text() == "a person's work"
    mine.unlink()
    put(asked, "program/notes.csv")
    assert plain(asked).returncode == 0
    assert (asked / "data/tickets/rows.txt").read_text() == "another"
    assert (asked / "program/notes.csv").is_file()


def test_what_a_killed_stage_of_plain_dvc_has_left_half_written_holds_nothing_up(asked: Path) -> None:
    """Every folder of the pipeline is made under a temporary name, and has its manifest when it is there."""
    with atomic_folder(asked / "data/tickets") as folder:
        (folder / "rows.txt").write_text("whole, and not yet in dvc.lock")
    put(asked, "data/tickets/.rows.txt.99999.onetrunk.tmp")
    assert plain(asked).returncode == 0


def test_a_users_file_where_a_folder_is_to_be_made_stays(project: Path) -> None:
    mine = put(project, "data/tickets")
    assert "data/tickets: not made by this program" in repro(project).message
    assert mine.is_file()


@pytest.mark.parametrize("order", ["fail", "die"])
def test_what_a_stage_that_did_not_end_well_has_left_holds_nothing_up(
    project: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", PYTHON)  # a fork is in no process group of its caller's
    (project / "order.txt").write_text(order)
    assert repro(project).verb == "failed"
    assert (project / "data/tickets/rows.txt").exists()
    (project / "order.txt").write_text("")
    assert repro(project).verb == "ran"
    assert not any((project / ".onetrunk/begun").iterdir())


def test_a_file_put_beside_what_a_failed_stage_has_left_stays(project: Path) -> None:
    (project / "order.txt").write_text("fail")
    assert repro(project).verb == "failed"
    put(project, "data/tickets/notes.csv")
    assert repro(project).message.startswith("data/tickets/notes.csv: not made by this program")


def test_outputs_of_plain_dvc_and_of_other_revisions_are_known(project: Path) -> None:
    """By dvc.lock, or by DVC's cache where dvc.lock is of another state."""
    command = [sys.executable, "-m", "dvc", "repro", "-q"]
    subprocess.run(command, cwd=project, check=True, env=toy.environment())
    (project / "dvc.lock").unlink()
    assert repro(project).verb == "restored"
    (project / "data/tickets/rows.txt").write_text("altered by hand")
    assert repro(project).verb in ("ran", "restored")


def test_what_a_file_manager_or_python_leaves_is_nobodys(project: Path) -> None:
    put(project, "data/tickets/.DS_Store")
    put(project, "data/tickets/__pycache__/a.pyc")
    assert repro(project).verb == "ran"


def test_clean_removes_what_was_made_and_names_what_it_leaves(project: Path) -> None:
    assert repro(project).verb == "ran"
    users = ["data/tickets.csv", "data/tickets/notes.csv", "models/mine/weights.bin", "downloads/mine.csv"]
    files = [put(project, name) for name in [*users, "reports/mine.csv", "releases/mine.txt"]]
    result = toy.onetrunk(project, "clean")
    assert result.returncode == 0, result.stderr
    assert all(file.is_file() for file in files)
    assert "removed 2 files" in result.stdout
    assert result.stdout.endswith(
        "left, since no record names them as made here:\n  data/tickets/notes.csv\n"
    )
    assert not (project / "data/tickets/rows.txt").exists()
    assert not (project / ".onetrunk").exists()
    files[1].unlink()
    assert repro(project).verb == "restored"


def test_the_makefile_removes_no_file_of_a_folder_that_may_hold_a_users(tmp_path: Path) -> None:
    """`make clean` as it is written, in a checkout that was never set up."""
    (tmp_path / "Makefile").write_bytes((toy.CHECKOUT / "Makefile").read_bytes())
    for folder in ("components", "flows", "serving", "tests"):
        put(tmp_path, f"{folder}/__pycache__/a.pyc")
    names = [
        "program",
        "declared",
        "data",
        "encoded",
        "baselines",
        "predictions",
        "models",
        "reports",
        "bento",
    ]
    files = [put(tmp_path, f"{name}/mine.txt") for name in [*names, "downloads", "releases", "monitoring"]]
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True)
    assert all(file.is_file() for file in files)
    assert not (tmp_path / "flows/__pycache__").exists()


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As a user types it, whatever make has started the suite."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def test_make_alone_says_what_there_is_in_lines_that_no_terminal_breaks(tmp_path: Path) -> None:
    makefile = (toy.CHECKOUT / "Makefile").read_text()
    (tmp_path / "Makefile").write_text(makefile)
    lines = make(tmp_path).stdout.splitlines()
    assert len(lines) == len(re.findall(r"(?m)^[a-z-]+:.* ## ", makefile)) > 10
    assert [line for line in lines if len(line) > 80] == []


@pytest.mark.parametrize("found", ["3.12.1", "3.1.11"])
def test_another_python_than_the_one_it_needs_is_one_sentence_before_anything_is_installed(
    tmp_path: Path, found: str
) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((toy.CHECKOUT / name).read_bytes())
    python = tmp_path / "python3"
    python.write_text(f"#!/bin/sh\necho {found}\n")
    python.chmod(0o755)
    setup = make(tmp_path, "setup", f"PYTHON={python}")
    assert setup.returncode == 2
    error, *made = setup.stderr.splitlines()
    assert error == f"error: {python} is Python {found}, expected 3.11; give PYTHON=path"
    assert [line for line in made if not line.startswith("make: ")] == []  # make's own word
    assert not (tmp_path / ".venv").exists()


def test_a_folder_is_not_written_anew_over_a_users_file(tmp_path: Path) -> None:
    """A stage that is called without DVC."""
    with atomic_folder(tmp_path / "f") as folder:
        (folder / "x").write_text("old")
    put(tmp_path, "f/mine.txt")
    with (
        pytest.raises(UserError, match=r"f/mine\.txt: not made by this program"),
        atomic_folder(tmp_path / "f"),
    ):
        pass
    assert (tmp_path / "f/x").read_text() == "old"
    assert (tmp_path / "f/mine.txt").exists()
