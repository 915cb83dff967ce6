"""A trained project and its evaluation."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from components.evaluation.evaluate import evaluate
from components.files import read_json
from tests.conftest import build_project
from tests.evaluation.evaluate.opponents import opponent
from tests.once import made_once
from tests.trained import train_project


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """A trained project, and a champion that is the same model."""
    return made_once(tmp_path_factory, "evaluated", lambda root: train(root, tiny_encoder))


def train(root: Path, encoder: Path) -> None:
    build_project(root, encoder)
    settings_file = root / "params.yaml"
    settings_file.write_text(settings_file.read_text().replace("tokens: 12000", "tokens: 6000"))
    project = train_project(root)
    with contextlib.chdir(root):
        shutil.copytree("models/multitask", "champion")
        evaluate(project, Path(), opponent(), lambda text: None)


@pytest.fixture
def evaluated(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Its report, in a copy of the project that the test runs inside."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    report: dict[str, Any] = read_json(Path("reports/evaluation.json"))
    return report
