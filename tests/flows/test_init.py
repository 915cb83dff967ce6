"""A project is made whole or not at all, and one that an earlier version made is brought along."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from components.errors import UserError
from flows import init, upgrade
from tests.flows import toy
from tests.scripts import ROOT

pytestmark = pytest.mark.slow  # git and DVC run

TEMPLATES = ROOT / "flows/project"


@pytest.fixture
def toy_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Templates with one more start, whose preparation writes made.csv."""
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES, templates)
    start = templates / "from/toy"
    start.mkdir()
    (start / "params.yaml").write_text("seed: 1\n")
    (start / "prefect.yaml").write_text("of the example")
    (start / "prepare.py").write_text("from pathlib import Path\nPath('made.csv').write_text('a')\n")
    monkeypatch.setattr(init, "TEMPLATES", templates)
    return start


def log(folder: Path) -> str:
    command = ["git", "log", "--format=%s"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.usefixtures("toy_start")
def test_a_project_has_pipeline_settings_data_and_a_commit_and_no_code(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    init.create(folder, "toy", before=lambda made: (made / "before").touch())
    assert (folder / "dvc.yaml").read_bytes() == (ROOT / "dvc.yaml").read_bytes()
    assert (folder / "params.yaml").read_text() == "seed: 1\n"
    assert (folder / "prefect.yaml").read_text() == "of the example"
    assert (folder / "made.csv").read_text() == "a"
    assert "# mine" in (folder / "README.md").read_text()
    config = configparser.ConfigParser()
    config.read(folder / ".dvc/config")
    assert config["core"]["analytics"] == "false"
    assert (folder / ".dvc" / config["plots"]["html_template"]).is_file()
    assert not [name for name in ("components", "flows", "serving") if (folder / name).exists()]
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    assert log(folder) == "A project from toy\n"
    clean = subprocess.run(["git", "status", "--porcelain"], cwd=folder, capture_output=True, text=True)
    assert clean.stdout == ""


@pytest.mark.parametrize("name", ["toi", "", "..", "toy/project"])
def test_a_start_that_there_is_not_is_one_sentence(toy_start: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(
        UserError, match=f"^--from: found '{re.escape(name)}'.*expected one of built-in, desk"
    ):
        init.create(tmp_path / "mine", name)
    assert not (tmp_path / "mine").exists()


@pytest.mark.usefixtures("toy_start")
def test_a_folder_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(UserError, match="mine: it is there already; go on in it, or remove it"):
        init.create(tmp_path / "mine", "toy")
    assert not list((tmp_path / "mine").iterdir())


def test_a_folder_that_cannot_be_made_is_one_sentence(toy_start: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a person's work")
    with pytest.raises(UserError, match=r"file/mine: cannot be made \(Not a directory\)$"):
        init.create(tmp_path / "file/mine", "toy")
    assert (tmp_path / "file").read_text() == "a person's work"


def test_what_could_not_be_prepared_is_not_left_behind(toy_start: Path, tmp_path: Path) -> None:
    (toy_start / "prepare.py").write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(UserError, match=r"prepare.py` ended with 3; nothing is left of .*mine"):
        init.create(tmp_path / "mine", "toy")
    assert not (tmp_path / "mine").exists()


def test_every_file_of_an_example_is_a_projects_too() -> None:
    for example in ROOT.glob("examples/*/params.yaml"):
        names = {file.name for file in example.parent.iterdir() if file.is_file()}
        start = TEMPLATES / "from" / example.parent.name
        assert {file.name for file in start.iterdir()} == names
        assert all((start / name).read_bytes() == (example.parent / name).read_bytes() for name in names)


def test_git_ignores_what_the_pipeline_makes() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].values()
    outs = [out for stage in stages for out in stage.get("do", stage).get("outs", [])]
    made = {next(iter(out)) if isinstance(out, dict) else out for out in outs}
    ignored = (TEMPLATES / "gitignore").read_text().splitlines()
    assert {f"/{path.split('/')[0]}" for path in made} <= set(ignored)


EARLIER = """
stages:
  train:
    cmd: python -m components.stages.train
    deps: [input.txt]
    outs: [model.txt]
  validation:
    cmd: python -m components.stages.validation
    deps:
      - components/data/validation
    outs: [checked.txt]
"""


@pytest.fixture
def earlier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of the time when each held a copy of the code."""
    project = toy.make(tmp_path / "project", EARLIER)
    (project / "components").mkdir()
    (project / "components/errors.py").write_text("raise RuntimeError('the old copy')\n")
    for command in (["git", "add", "."], ["git", *init.IDENTITY, "commit", "-qm", "mine"]):
        subprocess.run(command, cwd=project, check=True)
    monkeypatch.chdir(project)
    return project


def test_a_project_with_a_copy_of_the_code_is_one_sentence_and_one_command(earlier: Path) -> None:
    refused = toy.onetrunk(
        earlier, "status", PYTHONSAFEPATH="1"
    )  # as the console command, not from the folder
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {earlier}/dvc.yaml: made by an earlier version")
    assert "run `onetrunk upgrade` once" in refused.stderr
    done = toy.onetrunk(earlier, "upgrade", PYTHONSAFEPATH="1")
    assert done.returncode == 0, done.stderr
    assert not (earlier / "components").exists()
    assert (earlier / "dvc.yaml").read_bytes() == (ROOT / "dvc.yaml").read_bytes()
    assert "components/: taken out" in done.stdout
    assert "onetrunk run would look at" in done.stdout
    assert toy.onetrunk(earlier, "status").returncode == 0


def test_a_pipeline_without_a_stage_for_the_encoder_is_one_sentence_and_one_command(
    earlier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = (ROOT / "dvc.yaml").read_text().replace("- models/encoder\n", "- ${model.encoder}\n")
    (earlier / "dvc.yaml").write_text(pipeline)
    subprocess.run(["git", *init.IDENTITY, "commit", "-qam", "of the version before"], check=True)
    with pytest.raises(UserError, match="had no stage for the encoder; run `onetrunk upgrade` once"):
        upgrade.refuse_earlier(earlier)
    upgrade.run(earlier)
    assert (earlier / "dvc.yaml").read_bytes() == (ROOT / "dvc.yaml").read_bytes()
    upgrade.refuse_earlier(earlier)
    said = capsys.readouterr().out
    (line,) = [one for one in said.splitlines() if "has not run with this pipeline yet" in one]
    assert re.search(r"^  \S+, .*…\+\d+: it has not", line)  # all that have the reason are in one line
    assert "and what follows from them: nothing" not in said


def test_an_upgrade_replaces_nothing_that_git_does_not_hold(earlier: Path) -> None:
    (earlier / "components/mine.py").write_text("precious")
    with pytest.raises(UserError, match="git does not hold all that would be replaced"):
        upgrade.run(earlier)
    assert (earlier / "components/mine.py").read_text() == "precious"
    assert (earlier / "dvc.yaml").read_text() == EARLIER


def test_an_upgrade_leaves_what_git_ignores(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ignored, bytecode = earlier / "components/weights.txt", earlier / "components/__pycache__/a.pyc"
    bytecode.parent.mkdir()
    for file in (ignored, bytecode):
        file.write_text("precious")
    (earlier / ".git/info").mkdir(exist_ok=True)
    (earlier / ".git/info/exclude").write_text("weights.txt\n__pycache__/\n")
    upgrade.run(earlier)
    assert [path.name for path in (earlier / "components").rglob("*")] == ["weights.txt"]
    assert "components/: taken out, the installed program is used; what git does not hold of it stays" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("there", ["a folder", "a link to nowhere"])
def test_what_is_there_before_stays(tmp_path: Path, there: str) -> None:
    mine = tmp_path / "mine"
    mine.mkdir() if there == "a folder" else mine.symlink_to("nowhere")
    with pytest.raises(UserError, match="it is there already"):
        init.run(mine, "empty")
    assert mine.is_symlink() or mine.is_dir()
