"""What paths must fulfil: a file is there, or a package or a remote that is named brings it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError, near_miss
from components.settings.project import from_the_hub
from components.settings.remotes import HuggingFace, check_no_credential

if TYPE_CHECKING:
    from components.settings.project import Project

HUB_NAME = re.compile(r"[A-Za-z][\w.-]*/[\w.-]+")


def check_remotes(path: Path, project: Project) -> None:
    """A remote has a name of its own and holds no credential; dvc.yaml needs the section to be there.

    Raises:
        UserError: one sentence, as `consistency.check`.
    """
    if "remotes" not in project.model_fields_set and path.with_name("dvc.yaml").exists():
        raise UserError(f"{path}: remotes: missing; write `remotes: {{}}` where there are none")
    for name, remote in project.remotes.items():
        where = f"{path}: remotes.{name}"
        if not name.isidentifier():
            raise UserError(f"{where}: a remote's name is letters, digits and underscores")
        if name in project.packages:
            raise UserError(f"{where}: a package has this name; expected another")
        check_no_credential(where, remote)


def check(path: Path, project: Project) -> None:
    """A source or an encoder that no package brings must exist now; a near name in its folder is suggested.

    Raises:
        UserError: one sentence, as `consistency.check`.
    """
    for name, task in project.tasks.items():
        _path(project, f"{path}: tasks.{name}.source.path", task.source.path)
    _encoder(project, f"{path}: model.encoder", project.model.encoder)


def _encoder(project: Project, where: str, folder: str) -> None:
    near = Path(folder).parts[0]
    if HUB_NAME.fullmatch(folder) and near != "downloads" and not Path(near).exists():
        raise UserError(f"{where}: no such folder '{folder}'; {from_the_hub(folder)}")
    _path(project, where, folder)
    for name, remote in project.remotes.items():
        if isinstance(remote, HuggingFace) and remote.dataset and Path(folder) == Path("downloads", name):
            raise UserError(f"{where}: remotes.{name} is a data set of the hub, expected one with `model`")


def _path(project: Project, where: str, value: str) -> None:
    parts = Path(value).parts
    if parts[:1] == ("downloads",) and len(parts) > 1:
        fetched = [*project.packages, *project.remotes]
        if parts[1] not in fetched:
            raise UserError(
                f"{where}: no package or remote '{parts[1]}'{near_miss(parts[1], fetched)}; "
                f"they are {', '.join(fetched) or 'none'}"
            )
    elif not Path(value).exists():
        folder = Path(value).parent
        neighbours = [file.name for file in folder.iterdir()] if folder.is_dir() else []
        raise UserError(f"{where}: no such file '{value}'{near_miss(Path(value).name, neighbours)}")
