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
    own = project / ".dvc"
    for file in (own / "config.local", own / "config", *_of_all_projects()):
        if file.is_file() and (folder := _configured(file)):
            return file.parent / Path(folder).expanduser()
    return own / "cache"


def _of_all_projects() -> Iterator[Path]:
    """DVC's configurations of the user and of the machine (its dvc/dirs.py)."""
    home, machine = platformdirs.user_config_path("dvc"), platformdirs.site_config_path("dvc")
    for name, default in (("GLOBAL", home), ("SYSTEM", machine)):
        yield Path(os.environ.get(f"DVC_{name}_CONFIG_DIR") or default, "config")


def _configured(file: Path) -> str | None:
    try:
        cache = ConfigObj(os.fspath(file), encoding="utf-8", interpolation=False).get("cache", {})
    except (ConfigObjError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: DVC's configuration cannot be read: {error}") from None
    return cache.get("dir") if isinstance(cache, dict) else None


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
