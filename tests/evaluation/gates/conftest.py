"""A tiny project whose model is trained, with a champion that is the same model, to be judged by gates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import params
from components.evaluation.champion import Opponent
from components.evaluation.evaluate import evaluate
from components.evaluation.records import EVALUATION, Champion, Evaluation
from tests.conftest import build_project
from tests.once import made_once
from tests.trained import train_project

Judge = Callable[..., Evaluation]


def build(root: Path, encoder: Path) -> None:
    """The project, whose task mood has the column `size` as its slices."""
    build_project(root, encoder)
    settings = yaml.safe_load((root / "params.yaml").read_text())
    settings["training"]["tokens"] = 6000
    settings["tasks"]["mood"]["columns"]["slice"] = ["size"]
    (root / "params.yaml").write_text(yaml.safe_dump(settings))
    train_project(root)
    shutil.copytree(root / "models/multitask", root / "champion")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    return made_once(tmp_path_factory, "gates", lambda root: build(root, tiny_encoder))


@pytest.fixture
def judge(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Evaluate a copy of the project by these gates, with the champion of its folder or without; the test
    runs inside it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def evaluated(gates: dict[str, Any], champion: bool = True) -> Evaluation:
        settings = yaml.safe_load(Path("params.yaml").read_text())
        settings["evaluation"]["gates"] = gates
        Path("params.yaml").write_text(yaml.safe_dump(settings))
        known = Champion(release="v1", model="m" * 64, manifest="f" * 64)
        opponent = Opponent(Path("champion"), known) if champion else None
        evaluate(params.load(), Path(), opponent, lambda text: None)
        return Evaluation.read(EVALUATION)

    return evaluated
