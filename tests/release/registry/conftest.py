"""A repository, and one with two releases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.release.bentos import repository, two_releases


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return repository(tmp_path / "project")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A project with two releases: v1.0.0 of bundle and model a, v1.0.1 of b."""
    return two_releases(tmp_path / "project")
