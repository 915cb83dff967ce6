"""Folders that a service fills: none that a run writes anew, no file, and not one for two purposes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError
from components.files import is_there
from components.params.checks import outputs
from components.params.checks.files import ADDRESS

if TYPE_CHECKING:
    from components.settings.project import Project

OF_PROGRAMS = (".onetrunk", ".dvc", ".git")


def check(path: Path, project: Project) -> None:
    """Check `feedback.folder` and `traffic.folder`; UserError as `checks.check`."""
    folders: dict[Path, str] = {}
    for key, section in (("feedback", project.feedback), ("traffic", project.traffic)):
        if section is None:
            continue
        where, folder = f"{path}: {key}.folder", Path(section.folder)
        _check(where, section.folder, project)
        other = folders.setdefault(folder.resolve(), key)
        if other != key:
            raise UserError(
                f"{where}: found '{folder}', which is {other}.folder; expected a folder of its own"
            )


def _check(where: str, folder: str, project: Project) -> None:
    if not folder.strip() or "\0" in folder or ADDRESS.match(folder):
        raise UserError(f"{where}: found {folder!r}, expected the name of a folder here")
    fetched = [f"downloads/{name}" for name in (*project.packages, *project.remotes)]
    if output := outputs.meets(folder, project.tasks, [*fetched, *OF_PROGRAMS]):
        raise UserError(
            f"{where}: '{folder}' meets {output}/, where a run writes and removes what lay there before; "
            f"expected a folder of its own, such as monitoring/{Path(folder).name or 'kept'}"
        )
    if any(is_there(where, one) and not one.is_dir() for one in (Path(folder), *Path(folder).parents)):
        raise UserError(f"{where}: found '{folder}', where a file is; expected a folder, or a new name")
