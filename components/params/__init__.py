"""params.yaml -> typed, validated settings.

Every stage reads the `params.yaml` of the folder it runs in, so a copy of the project with other
tasks is another pipeline. Nothing heavy is imported here: a mistake is answered in a fraction of a
second.
"""

from __future__ import annotations

from pathlib import Path

from components.params import reading, searches
from components.params.validate import PARAMS, validated
from components.settings.project import Project

__all__ = ["PARAMS", "load", "validated"]


def load(path: Path = PARAMS) -> Project:
    """Read and validate params.yaml.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    project = validated(reading.parse(path), path)
    searches.check(path, project)
    return project
