"""What a run would come to much later is said at once: by labels, encoder and keys that are here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import PARAMS
from tests.flows import toy
from tests.release.keys import write_keys

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forks")]
DVC = """
stages:
  data_gate: {cmd: touch gated, outs: [gated]}
  plan: {cmd: cp gated planned, deps: [gated], outs: [planned]}
"""
MONITOR = "monitor: {articles: {path: news}, topic: mood, negative: {task: size, label: shrt}}\n"
SIGNED = "packaging: {name: tiny, signing: {public_key: release.pub, private_key: release.pem}}"
NO_KEY = "packaging.signing.private_key: no such file 'release.pem'; "


@pytest.fixture
def project(encoded_once: Path, tmp_path: Path) -> Path:
    """The tiny project with its data and its encoder, all stages up to date."""
    project = toy.make(tmp_path / "project", DVC)
    for name in ("sources", "encoder", "data", "models", ".onetrunk"):
        shutil.copytree(encoded_once / name, project / name)
    toy.dvc(project, "repro")
    return project


def said(project: Path, command: str, settings: str) -> tuple[int, str]:
    """The exit code of a command under other settings, and what it says of them."""
    (project / "params.yaml").write_text(f"{settings}remotes: {{}}\n")
    done = toy.onetrunk(project, command)
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (PARAMS + MONITOR, "monitor.negative.label: 'size' has no label 'shrt' (did you mean 'short'?); it has long, short"),
        (PARAMS.replace("max_length: 24", "max_length: 65"),
         "tasks.mood.max_length: found 65, but encoder has positions for 64 tokens; expected at most these, or another encoder"),
        (PARAMS.replace("packaging: {name: tiny}", SIGNED),
         "packaging.signing.public_key: no such file 'release.pub'; expected the key as PEM"),
    ],
    ids=["label", "length", "key"],
)  # fmt: skip
def test_a_mistake_is_said_before_anything_starts(
    project: Path, command: str, settings: str, sentence: str
) -> None:
    assert said(project, command, settings) == (2, f"error: params.yaml: {sentence}\n")


def test_a_private_key_that_is_elsewhere_ends_a_run_and_no_check(project: Path) -> None:
    write_keys(project)
    (project / "release.pem").unlink()
    settings = PARAMS.replace("packaging: {name: tiny}", SIGNED)
    _, warned = said(project, "check", settings)
    assert warned.startswith(f"warning: params.yaml: {NO_KEY}`onetrunk run` needs it, to sign\n")
    assert said(project, "run", settings) == (2, f"error: params.yaml: {NO_KEY}expected the key as PEM\n")
