"""Packages are downloaded once for all tests: the cache of this checkout is that of their projects."""

from __future__ import annotations

from pathlib import Path

from components.data.sources.packages import CACHE
from tests.scripts import ROOT


def share_packages(project: Path) -> None:
    """Let the project, which has not downloaded anything, use this checkout's cache."""
    cache = ROOT / CACHE
    cache.mkdir(parents=True, exist_ok=True)
    (project / CACHE).parent.mkdir(exist_ok=True)
    (project / CACHE).symlink_to(cache)
