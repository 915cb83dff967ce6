"""params.yaml -> typed, validated settings.

Every stage reads the `params.yaml` of the folder it runs in, so a copy of the project with other
tasks is another pipeline. Nothing heavy is imported here: a mistake is answered in a fraction of a
second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from components.errors import UserError
from components.params import searches
from components.params.validate import PARAMS, validated
from components.settings.project import Project

__all__ = ["PARAMS", "load", "validated"]


def load(path: Path = PARAMS) -> Project:
    """Read and validate params.yaml.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    project = validated(_parse(path), path)
    searches.check(path, project)
    return project


def _parse(path: Path) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path.absolute()}: no such file; run from the project's folder") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else "somewhere"
        problem = str(error.problem)
        if "\\t" in problem:
            problem = "found a tab; YAML is indented with spaces"
        raise UserError(f"{path}: {line}: {problem}") from None
    if not isinstance(raw, dict):
        raise UserError(
            f"{path}: expected keys such as tasks, mixture and training, found {type(raw).__name__}"
        )
    return raw
