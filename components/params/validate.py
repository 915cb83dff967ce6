"""Settings that are read -> typed settings that fit together."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from components.errors import UserError
from components.params import checks, messages
from components.params.reading import Settings
from components.settings.project import Project

PARAMS = Path("params.yaml")


def validated(raw: Settings, path: Path) -> Project:
    """The settings that `raw` holds, which is what `path` says.

    Raises:
        UserError: one sentence naming the file, the key, what was found and what was expected.
    """
    project = typed(raw, path)
    checks.check(path, project)
    return project


def typed(raw: Settings, path: Path) -> Project:
    """The same, where nobody asks whether families and files are there that it names.

    Raises:
        UserError: one sentence, likewise.
    """
    try:
        return Project.model_validate(raw)
    except ValidationError as error:
        raise refusal(error, path) from None


def refusal(error: ValidationError, path: Path, *keys: str) -> UserError:
    """What is wrong with settings, or with a section below `keys`, in a sentence."""
    # A misspelt key is also a missing one; the misspelling says more.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    return UserError(f"{path}: {messages.sentence({**first, 'loc': (*keys, *first['loc'])}, Project)}")
