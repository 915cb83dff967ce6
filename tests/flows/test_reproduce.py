"""A release made again in a clone: by a toy pipeline whose last stages have the names of the real ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from components.errors import UserError
from components.release import moves, registry
from flows.releases import reproduce
from tests.flows import toy
from tests.release import bentos
from tests.release.bentos import git

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forking_commands", "forks")]

PIPELINE = """
stages:
  download:
    foreach: [rows]
    do:
      cmd: python -c "raise SystemExit('there is no network')"
      outs: [downloads/rows]
  start:
    foreach: {champion: {}}
    do:
      cmd: python -c "raise SystemExit('there is no champion')"
      outs: [models/start/champion]
  comparison:
    foreach: {seeds: [1]}
    do:
      cmd: echo helps > reports/sharing.json
      deps: [downloads/rows]
      outs: [reports/sharing.json]
  champion:
    cmd: python against.py
    always_changed: true
    outs:
      - reports/champion.json: {cache: false}
  package:
    cmd: python package.py
    deps: [package.py, params.yaml, downloads/rows, models/start, reports/champion.json]
    outs: [bento, reports/evaluation.json]
  query:
    cmd: echo {} > reports/answers.json
    deps: [bento]
    outs: [reports/answers.json]
"""
AGAINST = """
import pathlib
from components.release import registry
pathlib.Path("reports").mkdir(exist_ok=True)
found = registry.champion("a new model")
weights = registry.open_champion(found) / "model.safetensors" if found else None
pathlib.Path("reports/champion.json").write_text(f"{found} {weights and weights.read_text()}")
"""
PACKAGE = """
import pathlib, subprocess
from tests.release.bentos import write_bento
names = ("params.yaml", "downloads/rows/file", "models/start/champion/beginning.json")
read = [pathlib.Path(name).read_text() for name in names]
head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout
sharing = pathlib.Path("reports/sharing.json")  # which it does not wait for
pathlib.Path("reports/evaluation.json").write_text(read[0] + (sharing.read_text() if sharing.exists() else ""))
gone = str(pathlib.Path("gone.txt").exists())
write_bento(pathlib.Path("bento"), read[0].strip()[-1], "".join(read) + head + gone)
"""


@pytest.fixture
def project(_made: Path, tmp_path: Path) -> Path:
    """Two releases of different settings; the second was compared with the first."""
    return Path(shutil.copytree(_made, tmp_path / "project", symlinks=True))


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = toy.make(tmp_path_factory.mktemp("reproduced") / "project", PIPELINE)
    for name, text in (("against.py", AGAINST), ("package.py", PACKAGE), ("params.yaml", "seed: 1\n")):
        (project / name).write_text(text)
    (project / ".gitignore").write_text("/downloads\n/models\n/bento\n/reports\n.onetrunk/\n")
    for file in (project / "downloads/rows/file", project / "models/start/champion/beginning.json"):
        file.parent.mkdir(parents=True)
        file.write_text("from outside\n")
    toy.dvc(project, "commit", "--force", "download@rows", "start@champion")
    (project / "gone.txt").touch()
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "a project")
    (project / "gone.txt").unlink()  # which nobody commits
    (project / "reports").mkdir()
    toy.dvc(project, "repro", "comparison@seeds")
    for seed in (1, 2):
        (project / "params.yaml").write_text(f"seed: {seed}\n")  # which nobody commits
        toy.dvc(project, "repro")
        against = registry.champion(registry.model_of(project / "bento"), project)
        moves.release(project / "bento", bentos.write_verdict(project, against=against), project)
    return project


def test_every_release_is_made_again_as_the_project_was_then(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    users = project.with_name("gitconfig")  # who reads tags in columns, and clones nothing of this disk
    users.write_text('[column]\n    ui = always\n[protocol "file"]\n    allow = never\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(users))
    (project / "params.yaml").write_text("seed: 3\n")
    git(project, "commit", "-q", "-a", "-m", "on and on")
    before = git(project, "for-each-ref"), git(project, "status", "--porcelain=v2")
    for place, version in ((project, "v1.0.0"), (_elsewhere(project), "1.0.1")):
        assert reproduce.run(place, version, None)
        assert "3 stages made the same bytes again" in capsys.readouterr().out
    assert (git(project, "for-each-ref"), git(project, "status", "--porcelain=v2")) == before


def _elsewhere(project: Path) -> Path:
    """A clone that has no bytes yet, and is told by its user alone where they are."""
    said = "['remote \"there\"']\n    url = ../../bytes\n[core]\n    remote = there\n"
    (project / ".dvc/config.local").write_text(said)
    toy.dvc(project, "push", "--all-tags")
    clone = project.with_name("clone")
    git(project.parent, "-c", "protocol.file.allow=always", "clone", "-q", str(project), str(clone))
    shutil.move(project / ".dvc/config.local", clone / ".dvc/config.local")
    return clone


def test_what_differs_is_named_and_kept(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "package.py").write_text("import os\n" + PACKAGE.replace("+ head", "+ os.urandom(9).hex()"))
    (project / "params.yaml").write_text("seed: 4\n")
    toy.dvc(project, "repro")
    against = registry.champion(registry.model_of(project / "bento"), project)
    moves.release(project / "bento", bentos.write_verdict(project, against=against), project)
    assert not reproduce.run(project, "v1.0.2", tmp_path / "again")
    assert "package: bento is " in capsys.readouterr().out
    assert (tmp_path / "again/bento").is_dir()
    with pytest.raises(UserError, match="again: it is there already"):
        reproduce.run(project, "v1.0.2", tmp_path / "again")


def test_a_release_of_another_pipeline_is_one_sentence(project: Path) -> None:
    pipeline = (project / "dvc.yaml").read_text()
    (project / "dvc.yaml").write_text(pipeline.replace("  query:", "  ask:"))
    against = registry.champion("another model", project)
    bentos.write_bento(project / "bento", "9", "another model")
    toy.dvc(project, "commit", "--force", "package")
    moves.release(project / "bento", bentos.write_verdict(project, against=against), project)
    with pytest.raises(
        UserError, match=r"its stages cannot be read: dvc\.yaml: no stage 'query'; stages are "
    ):
        reproduce.run(project, "v1.0.2", None)


def test_another_program_is_said_to_be_why_outputs_differ(project: Path) -> None:
    release = registry.read(project).release("v1.0.0")
    differ = ["program: program is a.dir, was b.dir", "package: bento is c.dir, was d.dir"]
    assert "2 outputs differ: this program is not the one of then" in reproduce._conclusion(
        release, [], differ
    )
    assert "the first of them is where it began" in reproduce._conclusion(release, [], differ[1:])
