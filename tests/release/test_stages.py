"""The three stages as DVC runs them, in a folder that is a project of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml

from components.files import read_json
from components.release import registry
from tests.release.bentos import repository, track
from tests.serving import tiny

ROOT = Path(__file__).parent.parent.parent
METRICS = {"classification": "accuracy", "tagging": "entity_f1", "regression": "pearson"}
COLUMNS = {
    "classification": {"text": "t", "label": "l"},
    "tagging": {"tokens": "t", "tags": "l"},
    "regression": {"text": "t", "text_pair": "p", "score": "s"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    repository(tmp_path)
    tiny.write_project(tmp_path)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["packages"] = {}
    params["model"]["encoder"] = "encoder"
    (tmp_path / "encoder").mkdir()  # no stage here reads it, nor the rows
    (tmp_path / "rows.csv").touch()
    params["packaging"] = tiny.PACKAGING.model_dump()
    params["tasks"] = {
        name: {
            "family": card["family"],
            "source": {"path": "rows.csv", "format": "csv"},
            "columns": COLUMNS[card["family"]],
            "splits": {},
            "cleaning": {},
            "max_length": card["max_length"],
            "gate": {"metric": METRICS[card["family"]], "floor": 0.1},
            "example": {
                "text": "Ada was in Rome",
                **({"text_pair": "so was Bob"} if "text_pair" in card["inputs"] else {}),
            },
        }
        for name, card in tiny.CARDS.items()
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    return tmp_path


def stage(project: Path, name: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"components.stages.{name}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_promoted_model_is_packaged_questioned_and_released(project: Path) -> None:
    for name in ("package", "query", "release"):
        if name == "release":
            track(project)  # as DVC does between two stages
        done = stage(project, name)
        assert done.returncode == 0, done.stderr
    version = read_json(project / "bento/src/bundle/card.json")["version"]
    assert set(read_json(project / "reports/answers.json")["tasks"]) == set(tiny.CARDS)
    said = read_json(project / "reports/release.json")
    assert (said["release"], said["bundle"]) == ("v1.0.0", version)
    released = registry.read(project).champion
    assert released is not None
    assert set(released.record.tasks) == set(tiny.CARDS)
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
    assert not registry.read(project).moves
    assert json.loads((project / "reports/verdict.json").read_text())["verdict"] == "REJECT"
