"""What the tests of the registry ask of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from components.release import moves, registry


def hash_of(model: str) -> str:
    return hashlib.sha256(model.encode()).hexdigest()


def served(project: Path) -> str | None:
    found = registry.read(project).champion
    return found.version if found else None


def roll_back(project: Path, version: str) -> None:
    moves.promote(version, "it was bad", project, "rollback")
