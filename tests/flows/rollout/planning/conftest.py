"""A project with two releases, and its service."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.rollout.service import Service, open_folder
from tests.flows.rollout import two_bentos
from tests.release import bentos
from tests.serving import tiny


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return bentos.two_releases(tmp_path / "project")


@pytest.fixture
def service(project: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """One whose settings ask for a canary."""
    tiny.write_params(project)
    two_bentos.rollout(project, {"canary": {"share": 0.1, "requests": 50}})
    monkeypatch.chdir(project)
    return Service(project, open_folder(project))
