"""A repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.release.bentos import repository


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path / "project")
