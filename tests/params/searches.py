"""A project with a search."""

from __future__ import annotations

from pathlib import Path

from components import params
from components.settings.project import Project
from tests.conftest import PARAMS


def with_search(parameters: str) -> Project:
    """The tiny project in the current folder, with the search `s` over these."""
    Path("params.yaml").write_text(f"{PARAMS}search:\n  s:\n    parameters:\n      {parameters}\n")
    return params.load()
