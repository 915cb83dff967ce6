"""params.yaml -> typed, validated settings.

Every stage reads the `params.yaml` of the folder it runs in, so a copy of the project with other
tasks is another pipeline. Nothing heavy is imported here: a mistake is answered in a fraction of a
second.
"""

from __future__ import annotations

from pathlib import Path

from components.params import reading, searches
from components.params.validate import PARAMS, typed, validated
from components.settings.project import Project

__all__ = ["PARAMS", "load", "read", "validated"]


def load(path: Path = PARAMS) -> Project:
    """Read and validate params.yaml.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    project = validated(reading.parse(path), path)
    searches.check(path, project)
    return project


def read(path: Path) -> Project:
    """Read params.yaml of another folder, or of another day: that the files are there is not checked.

    Raises:
        UserError: as `load`.
    """
    return typed(reading.parse(path), path)
