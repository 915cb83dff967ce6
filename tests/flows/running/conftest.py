"""A toy project that has been brought up to date once; each test gets a copy."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows import toy
from tests.once import made_once


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "finished", _finish) / "project"


def _finish(folder: Path) -> None:
    project = toy.make(folder / "project")
    subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "-q"], cwd=project, check=True, env=toy.environment()
    )


@pytest.fixture
def finished_toy(_finished: Path, tmp_path: Path) -> Path:
    """Finished by plain `dvc repro`."""
    return Path(shutil.copytree(_finished, tmp_path / "project", symlinks=True))
