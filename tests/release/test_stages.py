"""The three stages as DVC runs them, in a folder that is a project of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from components.files import read_json, sha256
from components.release import registry
from tests.release.bentos import repository, track
from tests.release.keys import write_keys
from tests.serving import tiny

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module", autouse=True)
def path(forking_python: str) -> Iterator[None]:
    """A stage is a fork of a Python that has the libraries loaded (tests/forked.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", forking_python, prepend=os.pathsep)
        yield


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tiny.write_project(repository(tmp_path))


def stage(project: Path, name: str) -> subprocess.CompletedProcess[str]:
    if name == "release" and (project / "bento").is_dir():
        track(project)  # as DVC does between two stages
    command = ["python", "-m", f"components.stages.{name}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that signs, after its three stages."""
    project = tiny.write_project(repository(tmp_path_factory.mktemp("released")))
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["packaging"]["signing"] = write_keys(project).model_dump()
    params["packaging"]["card"] = {"license": "apache-2.0"}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    for name in ("package", "query", "release"):
        done = stage(project, name)
        assert done.returncode == 0, done.stderr
    return project


@pytest.mark.slow
def test_a_promoted_model_is_packaged_questioned_and_released(released: Path) -> None:
    version = read_json(released / "bento/src/bundle/card.json")["version"]
    assert set(read_json(released / "reports/answers.json")["tasks"]) == set(tiny.CARDS)
    said = read_json(released / "reports/release.json")
    assert (said["release"], said["bundle"]) == ("v1.0.0", version)
    champion = registry.read(released).champion
    assert champion is not None
    assert set(champion.record.tasks) == set(champion.record.anchors) == set(tiny.CARDS)
    assert not list((released / "bento").rglob("__pycache__"))
    commands = [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if str(released / "bento") in command]  # the server is gone


@pytest.mark.slow
def test_a_signed_bento_is_verified_before_it_is_questioned_and_before_it_is_released(released: Path) -> None:
    card = read_json(released / "bento/src/bundle/card.json")
    assert card["signer"] == sha256(released / "release.pub")
    assert card["origins"]["tasks"]["ner"]["kind"] == "files"
    text = (released / "bento/src/bundle/README.md").read_text()
    assert "license: apache-2.0" in text
    assert str(released) not in text
    assert len(read_json(released / "bento/src/bundle/sbom.cdx.json")["components"]) > 80
    (released / "bento/src/torch.py").write_text("x")
    for name in ("query", "release"):
        done = stage(released, name)
        assert (done.returncode, done.stdout) == (2, "")
        assert "error: bento: model.sig is not a signature of these files by release.pub" in done.stderr


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
