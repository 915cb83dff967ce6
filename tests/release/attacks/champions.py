"""The champion after an attack, checked to the byte."""

from __future__ import annotations

from pathlib import Path

from components.release import registry


def champion(project: Path) -> str:
    """The champion's version, after every byte of it was checked."""
    found = registry.read(project)
    assert found.champion
    found.folder(found.champion)
    return found.champion.version
