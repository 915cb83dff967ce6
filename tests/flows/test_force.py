"""`onetrunk promote --force`: a real Bento of a model that the gate has rejected."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from components.evaluation.records import EVALUATION, VERDICT
from components.files import read_json, write_json
from components.release import registry
from flows.releases import reproduce
from tests import verdicts
from tests.flows import toy
from tests.release.bentos import git
from tests.serving import tiny

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forking_commands")]
PIPELINE = """
stages:
  evaluate:
    cmd: mkdir -p reports && cp evidence.json reports/evaluation.json
    deps: [evidence.json]
    outs: [reports/evaluation.json]
  gate:
    cmd: python judge.py
    deps: [reports/evaluation.json, params.yaml]
    outs: [reports/verdict.json]
  package:
    cmd: python -m components.stages.package
    deps: [reports/verdict.json]
    outs: [bento]
  query:
    cmd: echo {} > reports/answers.json
    deps: [bento]
    outs: [reports/answers.json]
"""
JUDGE = """
from pathlib import Path
from components import params
from components.evaluation import gate
from components.evaluation.records import EVALUATION, VERDICT, Evaluation
from components.files import sha256
rules = gate.rules_of(params.read(Path("params.yaml")))
gate.verdict(Evaluation.read(EVALUATION), rules, sha256(EVALUATION)).write(VERDICT)
raise SystemExit(2)
"""
FORCE = ("promote", "--force", "--reason", "accepted by Ada")


@pytest.fixture
def rejected(tmp_path: Path) -> Path:
    """A project whose model is below the floor of every gate."""
    project = toy.make(tmp_path / "project", PIPELINE)
    tiny.write_project(project)
    settings = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(settings.replace("floor: 0.1", "floor: 0.99"))
    shutil.copy(project / EVALUATION, project / "evidence.json")
    (project / "judge.py").write_text(JUDGE)
    (project / "encoder/kept").touch()
    git(project, "add", ".")
    assert verdicts.pass_on(project).verdict == "REJECT"
    return project


@pytest.mark.usefixtures("forks")
def test_a_forced_release_says_so_wherever_it_is_shown_and_is_made_again(rejected: Path) -> None:
    done = toy.onetrunk(rejected, *FORCE)
    assert done.returncode == 0, done.stderr
    assert "v1.0.0 is the champion, forced against the verdict REJECT: accepted by Ada" in done.stdout
    found = registry.read(rejected).champion
    assert found is not None
    assert (found.record.verdict, found.record.forced) == ("REJECT", "accepted by Ada")
    card = read_json(registry.read(rejected).folder(found) / registry.CARD)
    assert (card["verdict"], card["forced"]) == ("REJECT", "accepted by Ada")
    assert "REJECT, forced: accepted by Ada" in toy.onetrunk(rejected, "releases", COLUMNS="200").stdout
    assert "forced, the verdict was REJECT: accepted by Ada" in toy.onetrunk(rejected, "status").stdout
    assert "REJECT, forced: accepted by Ada" in toy.onetrunk(rejected, "diff", "v1.0.0", "v1.0.0").stdout
    again = [toy.python, "-m", "dvc", "checkout", "--force", "bento"]  # DVC has the bytes
    subprocess.run(again, cwd=rejected, check=True, env=toy.environment(), capture_output=True)
    assert reproduce.run(rejected, "v1.0.0", None)  # though the gate lets it through as little as then


def test_an_edited_verdict_is_not_even_forced(rejected: Path) -> None:
    write_json(rejected / VERDICT, {**read_json(rejected / VERDICT), "verdict": "HOLD"})
    done = toy.onetrunk(rejected, *FORCE)
    assert done.returncode == 2
    assert "does not follow from its evidence" in done.stderr
    assert not registry.read(rejected).moves


def test_evidence_that_the_pipeline_has_not_made_is_not_even_forced(rejected: Path) -> None:
    """Evidence and verdict are edited so that they agree; the release would show these numbers."""
    recorded = (rejected / "dvc.lock").read_text()
    evidence = read_json(rejected / EVALUATION)
    for head in evidence["tasks"].values():
        for measured in head["metrics"].values():
            measured["value"] = 0.98
    write_json(rejected / EVALUATION, evidence)
    assert verdicts.pass_on(rejected).verdict == "REJECT"
    (rejected / "dvc.lock").write_text(recorded)
    done = toy.onetrunk(rejected, *FORCE)
    assert done.returncode == 2
    assert "evaluation.json: not the file that stage evaluate has made" in done.stderr
    assert not registry.read(rejected).moves


def lower_floor(project: Path, floor: float) -> None:
    settings = project / "params.yaml"
    settings.write_text(settings.read_text().replace("floor: 0.99", f"floor: {floor}"))


def test_a_verdict_of_other_settings_is_not_even_forced(rejected: Path) -> None:
    lower_floor(rejected, 0.98)
    done = toy.onetrunk(rejected, *FORCE)
    assert done.returncode == 2
    assert "made by other settings than those of params.yaml" in done.stderr
    assert not registry.read(rejected).moves


def test_what_the_gate_lets_through_needs_no_force(rejected: Path) -> None:
    lower_floor(rejected, 0.1)
    assert verdicts.pass_on(rejected).verdict == "PROMOTE"
    done = toy.onetrunk(rejected, *FORCE)
    assert "the gate said PROMOTE, so there is nothing to force" in done.stderr
