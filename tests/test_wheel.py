"""The wheel in an environment that has the program from nowhere else: a project is made, run and upgraded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml

from components.release import registry
from tests.conftest import PARAMS, write_sources
from tests.environments import link_requirements
from tests.scripts import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.minutes(2), pytest.mark.timeout(1200)]
PARTS = ("components", "flows", "serving", "examples")
FILES = ("pyproject.toml", "README.md", "LICENSE", "params.yaml", "dvc.yaml", "prefect.yaml")


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that was empty, with the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__", "project") if part == "examples" else None
        shutil.copytree(ROOT / part, folder / "source" / part, symlinks=True, ignore=ignored)
    for file in FILES:
        shutil.copy(ROOT / file, folder / "source" / file)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder / "dist", folder / "source"]
    subprocess.run([*pip, *build], check=True)
    shutil.rmtree(folder / "source")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    wheel = next((folder / "dist").glob("onetrunk-*.whl"))
    subprocess.run([*pip, "--python", python, "install", "--no-deps", wheel], check=True)
    (site,) = folder.glob("venv/lib/python*/site-packages")
    (installed,) = distributions(name="onetrunk", path=[str(site)])
    link_requirements(installed, folder / "venv")
    subprocess.run([*pip, "--python", python, "check"], check=True)
    return python.parent


def onetrunk(bin_folder: Path, folder: Path, *arguments: str) -> str:
    """Run the command as a user does whose PATH does not have the environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))}
    done = subprocess.run(
        [bin_folder / "onetrunk", *arguments], cwd=folder, capture_output=True, text=True,
        env={**kept, "PATH": "/usr/local/bin:/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def project(bin_folder: Path, tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A project of a tiny task that has been run once."""
    folder = tmp_path_factory.mktemp("projects")
    onetrunk(bin_folder, folder, "init", "mine", "--from", "empty")
    project = folder / "mine"
    write_sources(project / "sources", rows=240)
    shutil.copytree(tiny_encoder, project / "encoder")
    settings = yaml.safe_load(PARAMS)
    del settings["tasks"]["closeness"], settings["tasks"]["people"], settings["tasks"]["mood"]["joint"]
    settings["remotes"] = {}
    settings["training"]["tokens"] = 20_000
    (project / "params.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    onetrunk(bin_folder, project, "run")
    return project


def test_a_project_without_code_is_released_by_the_installed_program(bin_folder: Path, project: Path) -> None:
    assert not list(project.glob("*.py"))
    assert not [name for name in ("components", "flows", "serving") if (project / name).exists()]
    released = registry.read(project).champion
    assert released is not None
    assert registry.read(project).folder(released).is_dir()
    assert "all skipped" in onetrunk(bin_folder, project, "run")
    assert "PROMOTE" in onetrunk(bin_folder, project, "status")
    assert "mood" in onetrunk(bin_folder, project, "predict", "good plane")


def test_an_upgrade_says_beforehand_what_would_run_again_and_why(bin_folder: Path, project: Path) -> None:
    assert "nothing to run again" in onetrunk(bin_folder, project, "upgrade")
    package = next(bin_folder.parent.glob("lib/python*/site-packages/components"))
    gate = package / "evaluation/gate.py"
    text = gate.read_text()
    gate.write_text(text + "\n\nANOTHER_VERSION = 1\n")
    try:
        said = onetrunk(bin_folder, project, "upgrade")
    finally:
        gate.write_text(text)
    lines = said.splitlines()
    assert "  gate, package, release: components/evaluation/gate.py" in lines
    assert "query" in lines[-1]
    assert "train" not in said.replace("onetrunk", "")
    assert "nothing to run again" in onetrunk(bin_folder, project, "upgrade")  # nothing was written


@pytest.mark.parametrize(
    "start", ["built-in", "desk", "families", "news", "recommender", "tutorial", "empty"]
)
def test_the_wheel_holds_what_a_project_begins_with(bin_folder: Path, start: str) -> None:
    flows = next(bin_folder.parent.glob("lib/python*/site-packages/flows"))
    source = ROOT / "flows/project/from" / start
    for file in source.iterdir():
        installed = flows / "project/from" / start / file.name
        assert not installed.is_symlink()
        assert installed.read_bytes() == file.read_bytes()


def test_the_wheel_holds_every_file_that_is_not_python(bin_folder: Path) -> None:
    site = next(bin_folder.parent.glob("lib/python*/site-packages"))
    for package in ("components", "serving", "flows/deploying"):
        for file in (ROOT / package).rglob("*"):
            if file.is_file() and file.suffix != ".py" and file.parent.name != "__pycache__":
                assert (site / file.relative_to(ROOT)).read_bytes() == file.read_bytes(), file
