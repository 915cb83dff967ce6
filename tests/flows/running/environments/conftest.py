"""The toy project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows import toy
from tests.flows.running.environments.toy_project import DVC


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return toy.make(tmp_path / "project", DVC)
