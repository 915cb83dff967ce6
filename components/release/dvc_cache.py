"""The bytes that dvc.lock names, read from DVC's cache as files.

The cache has a file for each hash, and for a folder one that lists what it holds. A light command reads
them without DVC, whose start takes longer than all that it does.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import yaml

from components.release.git import Git

LOCK = "dvc.lock"
FOLDER = ".dir"  # the end of the hash of a folder


def recorded(lock: bytes, path: str) -> str | None:
    """DVC's hash of an output, as a dvc.lock has it; None if it has none."""
    stages = (yaml.safe_load(lock) or {}).get("stages", {})
    outs = [out for stage in stages.values() for out in stage.get("outs", ())]
    return next((out.get("md5") for out in outs if out["path"] == path), None)


def place(project: Path) -> Path:
    """The folder of a project's cache."""
    for name in ("config.local", "config"):
        file = project / ".dvc" / name
        if file.is_file() and (folder := _configured(file.read_text(encoding="utf-8"))):
            return project / ".dvc" / folder
    return project / ".dvc/cache"


def _configured(text: str) -> str | None:
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    settings.read_string("\n".join(line.strip() for line in text.splitlines()))
    return settings.get("cache", "dir", fallback=None)


def file_of(cache: Path, oid: str) -> Path:
    """Where a cache keeps what has this hash."""
    return cache / "files/md5" / oid[:2] / oid[2:]


def hash_file(file: Path) -> str:
    """A file's hash as DVC's cache names it."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "md5").hexdigest()


def listing(cache: Path, oid: str) -> dict[str, str] | None:
    """What a folder of this hash holds: path -> hash; None where the cache does not know."""
    file = file_of(cache, oid)
    if not oid.endswith(FOLDER) or not file.is_file():
        return None
    return {entry["relpath"]: entry["md5"] for entry in json.loads(file.read_text(encoding="utf-8"))}


def copy(git: Git, oid: str, target: Path) -> bool:
    """Copy the folder of this hash to `target`, which is not there yet; False where no cache has it all."""
    for cache in _caches(git):
        found = listing(cache, oid)
        if found is None or not all(file_of(cache, md5).is_file() for md5 in found.values()):
            continue
        for name, md5 in found.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file_of(cache, md5), target / name)
        return True
    return False


def _caches(git: Git) -> Iterator[Path]:
    """The project's own, then those of the repository's other worktrees."""
    yield place(git.project)
    for line in git("worktree", "list", "--porcelain").splitlines():
        if line.startswith("worktree "):
            yield place(Path(line.removeprefix("worktree ")) / git.prefix)
