"""Remote rows -> downloads/<name>/: asked for their version first, fetched where it is a new one.

DVC does the comparing: the stage `version@name` always runs and writes what the remote answers, and
`fetch@name` depends on that file. Each kind is one module with `version` and `fetch`; both return a
version, so that what was fetched is known to be what was asked about.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from components.errors import TryAgainError
from components.files import atomic_folder, read_json, write_json
from components.settings.remotes import Remote
from components.settings.secrets import guarded

MODULES = {"url": "url", "sql": "sql", "huggingface": "hub", "dvc": "tracked"}


def version(remote: Remote, target: Path) -> None:
    """Write the version of what the remote holds now.

    Raises:
        TryAgainError: the remote does not answer.
        UserError: it refuses the credentials, or has no such table, file, key or revision.
    """
    with guarded():
        write_json(target, _module(remote).version(remote))


def fetch(remote: Remote, recorded: Path, target: Path) -> None:
    """Fill the folder `target` with the remote's files, or its rows as Parquet.

    Raises:
        TryAgainError: the remote does not answer, or holds another version than the `recorded` one.
        UserError: it refuses the credentials, or has no such table, file, key or revision.
    """
    with guarded(), atomic_folder(target) as folder:
        if _module(remote).fetch(remote, folder) != read_json(recorded):
            raise TryAgainError(f"{target}: the remote changed while it was read; give the command again")


def _module(remote: Remote) -> ModuleType:
    return import_module(f"components.data.sources.remotes.{MODULES[remote.kind]}")
