"""The bytes of a release on the disk: `.onetrunk/releases/<bundle>/`, a Bento folder.

It is a cache: whatever is not there, or is damaged, is copied from DVC's cache or fetched from its remote,
checked against the manifest that the release names, and only then put in place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from components.advice import word
from components.environment import QUIET
from components.errors import UserError
from components.files import MANIFEST, fsync, sample, sha256, strangers, verify_manifest
from components.release import dvc_cache
from components.release.git import Git
from components.release.records import ReleaseRecord

FOLDER = Path(".onetrunk/releases")
BENTO = "bento"  # the output that holds it, in a project


def open_(git: Git, record: ReleaseRecord, commit: str) -> Path:
    """The Bento's folder, every byte of it checked.

    Raises:
        UserError: it is neither here nor in DVC's cache or remote, or its bytes are not those released.
    """
    folder = git.project / FOLDER / record.bundle
    try:
        _verify(folder, record)
    except UserError:
        shutil.rmtree(folder, ignore_errors=True)
        if not any(_copied(git, record, cache) for cache in dvc_cache.places(git)):
            put(git, record, lambda target: _fetch(git, record, commit, target))
    return folder


def _copied(git: Git, record: ReleaseRecord, cache: Path) -> bool:
    """Was a cache's copy put in place? Not where it is damaged, or has not all of it."""
    try:
        put(git, record, lambda target: dvc_cache.copy(cache, record.bento, target))
    except UserError:
        return False
    return True


def put(git: Git, record: ReleaseRecord, fill: Callable[[Path], None]) -> None:
    """Let `fill` make the release's folder; it is checked before it takes its place.

    Raises:
        UserError: what was made is not what was released.
    """
    folder = git.project / FOLDER / record.bundle
    folder.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{record.bundle}.{os.getpid()}."
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=prefix, suffix=".onetrunk.tmp"))
    try:
        fill(temporary / BENTO)
        _verify(temporary / BENTO, record)
        for file in (path for path in (temporary / BENTO).rglob("*") if path.is_file()):
            fsync(file)
        _put_in_place(temporary / BENTO, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _put_in_place(made: Path, folder: Path) -> None:
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():  # else somebody was quicker, and has the same bytes
            raise
    fsync(folder.parent)


def _verify(folder: Path, record: ReleaseRecord) -> None:
    verify_manifest(folder)
    if added := strangers(folder):
        raise UserError(f"{sample(added)}: not a file of release {record.version}")
    if sha256(folder / MANIFEST) != record.manifest:
        raise UserError(f"{folder}: not the bytes that were released as {record.version}")


def _configuration(project: Path, folder: Path) -> Path:
    """By which DVC takes no bytes from the project's cache, which were no use, and fetches from the remote of
    today: the release may be older than that, and name none or another."""
    config = dvc_cache.remote(project)
    config["cache"] = {"dir": os.fspath(folder / "cache")}
    with (folder / "config").open("wb") as file:
        config.write(file)
    return folder / "config"


def _fetch(git: Git, record: ReleaseRecord, commit: str, target: Path) -> None:
    top = git("rev-parse", "--show-toplevel")
    command = [sys.executable, "-m", "dvc", "get", top, f"{git.prefix}{BENTO}", "--rev", commit]
    config = _configuration(git.project, target.absolute().parent)
    command += ["--out", str(target.absolute()), "--config", str(config)]
    done = subprocess.run(
        command, cwd=git.project, env={**QUIET, **os.environ}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not target.is_dir():
        said = " ".join(done.stderr.split()) or "nothing came"
        if "not owned by current user" in said:
            raise UserError(
                f"{top}: another user's, so DVC does not read it, and DVC's cache has not all of release "
                f"{record.version}; `git config --global --add safe.directory {word(top)}`, then again"
            )
        raise UserError(
            f"release {record.version} (bundle {record.bundle}): neither DVC's cache nor its remote has "
            f"its bytes; `dvc push --all-tags` where it was released, then the same command here ({said})"
        )
