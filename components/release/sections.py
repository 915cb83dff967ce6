"""A section of params.yaml for what has to go on in the night, whatever is wrong with the rest of the file: a
rollback, and a service."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from components.errors import UserError
from components.params import PARAMS, reading
from components.params.reading import Settings
from components.params.validate import refusal
from components.release.git import Git
from components.settings.section import Section

COMMITS = 50  # that are looked through
S = TypeVar("S", bound=Section)


def section(root: Path, kind: type[S], *keys: str) -> S | None:
    """What the settings of the project in `root` say below these keys; None where they say nothing.

    Where the file is missing or is no YAML, what the newest commit says of which that does not hold.

    Raises:
        UserError: the section is not one; or the file is no YAML, and no commit has it otherwise.
    """
    if (given := _given(root, *keys)) is None:
        return None
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise refusal(error, PARAMS, *keys) from None


def keys_at(root: Path, *keys: str) -> dict[str, object]:
    """The keys that stand below these, and what each says; none where there is nothing.

    Raises:
        UserError: as `section`.
    """
    given = _given(root, *keys)
    return {str(key): value for key, value in given.items()} if isinstance(given, dict) else {}


def _given(root: Path, *keys: str) -> object:
    """What stands below these keys, of whatever shape; None where that is nothing."""
    given: object = _settings(root)
    for depth, key in enumerate(keys):
        if not isinstance(given, dict):
            raise UserError(
                f"{PARAMS}: {'.'.join(keys[:depth])}: found {given!r:.60}, expected keys with values"
            )
        if (given := given.get(key)) is None:
            return None
    return given


def _settings(root: Path) -> Settings:
    try:
        return reading.parse(root / PARAMS)
    except UserError as error:
        if (found := _committed(root)) is not None:
            commit, settings = found
            _say(f"{error}; what it says in commit {commit[:12]} holds until it can be read again")
            return settings
        if not os.path.lexists(root / PARAMS):  # a link to nowhere was meant to say something
            return {}
        raise


def _committed(root: Path) -> tuple[str, Settings] | None:
    """The newest commit whose params.yaml can be read, and what it says."""
    git = Git(root)
    try:
        commits = git("log", f"--max-count={COMMITS}", "--format=%H", "--", str(PARAMS)).split()
        texts = git.blobs([f"{commit}:{git.prefix}{PARAMS}" for commit in commits])
    except UserError:  # no repository, or one without a commit
        return None
    for commit, text in zip(commits, texts, strict=True):
        try:
            return commit, reading.parsed(text or b"", PARAMS)
        except UserError:
            continue
    return None


@functools.cache
def _say(sentence: str) -> None:
    """Once in a process: several ask for a section."""
    print(sentence, file=sys.stderr)  # noqa: T201
