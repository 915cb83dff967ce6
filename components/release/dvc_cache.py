"""The bytes that dvc.lock names, read from DVC's cache as files.

The cache has a file for each hash, and for a folder one that lists what it holds. A light command reads
them without DVC, whose start takes longer than all that it does.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import yaml
from configobj import ConfigObj, ConfigObjError

from components.errors import UserError
from components.release.git import Git

LOCK = "dvc.lock"
FOLDER = ".dir"  # the end of the hash of a folder
PATHS = (  # what is a path, of a remote's settings (DVC's config.py)
    "url", "credentialpath", "keyfile", "cert_path", "key_path",
    "gdrive_user_credentials_file", "gdrive_service_account_json_file_path",
)  # fmt: skip
HASH = re.compile(r"[0-9a-f]{32}(\.dir)?")


def recorded(lock: bytes, path: str) -> str | None:
    """DVC's hash of an output, as a dvc.lock has it; None if it has none, or what is no hash: a file is
    called by it, and the lock may be of a release that somebody else has pushed."""
    stages = (yaml.safe_load(lock) or {}).get("stages", {})
    outs = [out for stage in stages.values() for out in stage.get("outs", ())]
    found = next((out.get("md5") for out in outs if out["path"] == path), None)
    return found if HASH.fullmatch(str(found)) else None


def place(project: Path) -> Path:
    """The folder of a project's cache: as the project's configuration says, else the user's, else the
    machine's.

    Raises:
        UserError: a configuration of DVC's cannot be read.
    """
    for file, folder in _configured(project, "cache", "dir"):
        return file.parent / Path(folder).expanduser()
    return project / ".dvc/cache"


def remote(project: Path) -> ConfigObj:
    """The remote that DVC fetches from unless told otherwise, by the same configurations, as one of its own;
    an empty one without a remote.

    Raises:
        UserError: a configuration of DVC's cannot be read.
    """
    found = ConfigObj(interpolation=False)
    name = next((name for _, name in _configured(project, "core", "remote")), None)
    if name is None:
        return found
    found["core"] = {"remote": name}
    section = f'remote "{name}"'
    files = reversed(_files(project))
    said = [(file, key, value) for file in files for key, value in _section(file, section).items()]
    found[section] = {key: _absolute(file, key, value) for file, key, value in said}
    return found


def _absolute(file: Path, key: str, value: str) -> str:
    """A path in a configuration is one from its folder."""
    return str(file.parent / value) if key in PATHS and "://" not in value else value


def _configured(project: Path, section: str, key: str) -> Iterator[tuple[Path, str]]:
    """The configurations of DVC that say something, the one that counts first."""
    for file in _files(project):
        if value := _section(file, section).get(key):
            yield file, value


def _files(project: Path) -> list[Path]:
    own = project / ".dvc"
    found = (own / "config.local", own / "config", *_of_all_projects())
    return [file for file in found if file.is_file()]


def _of_all_projects() -> Iterator[Path]:
    """DVC's configurations of the user and of the machine (its dvc/dirs.py)."""
    home, machine = platformdirs.user_config_path("dvc"), platformdirs.site_config_path("dvc")
    for name, default in (("GLOBAL", home), ("SYSTEM", machine)):
        yield Path(os.environ.get(f"DVC_{name}_CONFIG_DIR") or default, "config")


def _section(file: Path, name: str) -> dict[str, str]:
    try:
        read = ConfigObj(os.fspath(file), encoding="utf-8", interpolation=False)
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: DVC's configuration cannot be read: {error}") from None
    found = read.get(name)
    return found if isinstance(found, dict) else {}


def file_of(cache: Path, oid: str) -> Path:
    """Where a cache keeps what has this hash."""
    return cache / "files/md5" / oid[:2] / oid[2:]


def hash_file(file: Path) -> str:
    """A file's hash as DVC's cache names it."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "md5").hexdigest()


def listing(cache: Path, oid: str) -> dict[str, str] | None:
    """What a folder of this hash holds: path -> hash; None where the cache does not know.

    Raises:
        UserError: the cache's file was altered, or names something outside of the folder.
    """
    file = file_of(cache, oid)
    if not oid.endswith(FOLDER) or not file.is_file():
        return None
    if hash_file(file) != oid.removesuffix(FOLDER):
        raise UserError(
            f"{file}: its bytes are not those that DVC kept; remove it, `dvc fetch --all-tags` gets it anew"
        )
    found = {entry["relpath"]: entry["md5"] for entry in json.loads(file.read_text(encoding="utf-8"))}
    for name, md5 in found.items():
        if Path(name).is_absolute() or ".." in Path(name).parts or not HASH.fullmatch(md5):
            raise UserError(f"{file}: names {name} ({md5}), which is no file of the folder that it lists")
    return found


def copy(cache: Path, oid: str, target: Path) -> None:
    """Copy the folder of this hash to `target`, which is not there yet; the bytes are not checked.

    Raises:
        UserError: this cache does not have all of it.
    """
    found = listing(cache, oid)
    if found is None or not all(file_of(cache, md5).is_file() for md5 in found.values()):
        raise UserError(f"{cache}: does not have all of {oid}")
    for name, md5 in found.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file_of(cache, md5), target / name)


def places(git: Git) -> Iterator[Path]:
    """The project's own, then those of the repository's other worktrees."""
    yield place(git.project)
    for tree in git.trees():
        yield place(tree / git.prefix)
