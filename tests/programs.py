"""The program of a project, read apart from that of this process."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from components import program

ROOT = Path(__file__).parent.parent
TASKS = {"mood": {"classification"}, "people": {"tagging"}}
DERIVED = ("_found", "_with_packages", "_beside", "_by_folder", "_names", "_digest_of")


def in_place_of_the_program(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `components.program` read the sources below `root`, and keep what it knows of its own for later."""
    monkeypatch.setattr(program, "ROOT", root)
    for name in ("modules", *DERIVED):
        monkeypatch.setattr(program, name, cache(getattr(program, name).__wrapped__))
