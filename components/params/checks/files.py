"""What paths must fulfil: a file is there, or a package or a remote that is named brings it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UserError, near_miss
from components.files import is_there
from components.settings.project import HubEncoder
from components.settings.remotes import HuggingFace, check_no_credential

if TYPE_CHECKING:
    from components.settings.project import Project

HUB_NAME = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*")
ADDRESS = re.compile(r"[A-Za-z][\w+.-]+://")


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


def _encoder(project: Project, where: str, encoder: str | HubEncoder) -> None:
    if isinstance(encoder, HubEncoder):  # the hub knows its own names
        return
    near, there = Path(encoder).parts[:1], is_there(where, Path(encoder))
    here = [file.name for file in Path().iterdir()]
    known = len(Path(encoder).parts) == 1 and (encoder in here or near_miss(encoder, here))
    unknown = not there and not is_there(where, Path(*near)) and not known
    if HUB_NAME.fullmatch(encoder) and near != ("downloads",) and unknown:
        said = f"no such folder '{encoder}'; for a model of the Hugging Face hub"
        raise UserError(f"{where}: {said} write `encoder: {{huggingface: {encoder}, revision: main}}`")
    _path(project, where, encoder)
    for name, remote in project.remotes.items():
        if isinstance(remote, HuggingFace) and remote.dataset and Path(encoder) == Path("downloads", name):
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
    elif ADDRESS.match(value):
        raise UserError(
            f"{where}: found an address; expected a path here, downloads/NAME, and the address in "
            f"`remotes: {{NAME: {{kind: url, address: ...}}}}` (`onetrunk new-task ADDRESS` proposes both)"
        )
    elif not is_there(where, Path(value)):
        folder, name = Path(value).parent, Path(value).name
        neighbours = {file.name for file in folder.iterdir()} if folder.is_dir() else set[str]()
        near = ", a link to nothing" if name in neighbours else near_miss(name, neighbours)
        raise UserError(f"{where}: no such file '{value}'{near}")
