"""The three stages as DVC runs them, in a folder that is a project of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from components.files import read_json
from tests.serving import tiny

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tiny.write_project(tmp_path)


def stage(project: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"components.stages.{name}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_promoted_model_is_packaged_questioned_and_released(project: Path) -> None:
    for name in ("package", "query", "release"):
        done = stage(project, name)
        assert done.returncode == 0, done.stderr
    version = read_json(project / "bento/src/bundle/card.json")["version"]
    assert set(read_json(project / "reports/answers.json")["tasks"]) == set(tiny.CARDS)
    assert read_json(project / "reports/release.json")["release"] == version
    assert read_json(project / "releases/champion.json") == {"schema_version": 1, "release": version}
    assert not list((project / "bento").rglob("__pycache__"))
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if str(project / "bento") in command]  # the server is gone


@pytest.mark.slow
@pytest.mark.parametrize("name", ["package", "release"])
def test_without_promotion_a_stage_exits_2_and_leaves_nothing(name: str, project: Path) -> None:
    tiny.write_verdict(project, "REJECT")
    done = stage(project, name)
    assert done.returncode == 2
    assert done.stderr.startswith("error: reports/verdict.json: the verdict is REJECT, expected PROMOTE")
    assert "Traceback" not in done.stderr
    assert not (project / "bento").exists()
    assert not (project / "releases").exists()
    assert json.loads((project / "reports/verdict.json").read_text())["verdict"] == "REJECT"
