"""Data sets as the library `datasets` saves them, away from its cache of this machine."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library prepares what it must below the current folder."""
    monkeypatch.chdir(tmp_path_factory.mktemp("project"))
