"""Where the rows and the encoder of a release are from, as params.yaml says it.

A card travels further than the project: it names what is public, and of the rest only the kind.
"""

from __future__ import annotations

from pathlib import Path

from components.encoder.place import RECORD, EncoderRecord
from components.release.records import Origin, Origins
from components.settings.project import HubEncoder, Project
from components.settings.remotes import Dvc, HuggingFace, Remote

DOWNLOADS = "downloads"


def of(project: Project, root: Path) -> Origins:
    """What the settings say of the encoder, and of the rows of each task, of the project in `root`."""
    return Origins(
        encoder=_encoder(project, root / RECORD),
        tasks={name: _of_path(project, task.source.path) for name, task in project.tasks.items()},
    )


def _encoder(project: Project, record: Path) -> Origin:
    """A branch of the hub moves on, so the commit is named that it was when the encoder was fetched."""
    encoder = project.model.encoder
    if not isinstance(encoder, HubEncoder):
        return _of_path(project, encoder)
    commit = EncoderRecord.read(record).commit if record.is_file() else None
    return Origin(kind="huggingface", name=encoder.huggingface, revision=commit or encoder.revision)


def _of_path(project: Project, path: str) -> Origin:
    """Of a package or a remote where downloads/NAME is meant, else of files of the project's own."""
    first, *rest = Path(path).parts or ("",)
    name = rest[0] if first == DOWNLOADS and rest else ""
    if name in project.packages:
        package = project.packages[name]
        return Origin(kind="package", name=package.file, sha256=package.sha256)
    return _remote(name, project.remotes[name]) if name in project.remotes else Origin(kind="files")


def _remote(name: str, remote: Remote) -> Origin:
    """A repository of the hub is public; an address may say more than its owner wants to be read."""
    if isinstance(remote, HuggingFace):
        return Origin(kind="huggingface", name=remote.repository, revision=remote.revision)
    return Origin(kind=remote.kind, name=name, revision=remote.revision if isinstance(remote, Dvc) else None)
