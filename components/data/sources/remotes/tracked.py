"""A path that DVC or git tracks in another repository. Its version: its hash, or else the commit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from components.data.sources.record import Version
from components.errors import TryAgainError, UserError
from components.settings.remotes import Dvc

PASSING = ("Could not resolve host", "Connection", "timed out", "Failed to connect", "Unable to acquire lock")


def version(remote: Dvc) -> Version:
    """{"hash"} where DVC tracks the path, {"commit"} where git does."""
    name = remote.path.rstrip("/").rpartition("/")
    entries = json.loads(_dvc(remote, "list", remote.repository, name[0] or ".", "--json", "--show-hash"))
    for entry in entries:
        if entry["path"] == name[2] and entry.get("md5"):
            return {"hash": entry["md5"]}
    if any(entry["path"] == name[2] for entry in entries):
        return {"commit": _commit(remote)}
    raise UserError(f"{remote.repository}: no path '{remote.path}' in it{_at(remote)}")


def fetch(remote: Dvc, folder: Path) -> Version:
    """Bring the file, or the folder's files, into the folder."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        out = Path(temporary) / Path(remote.path).name
        _dvc(remote, "get", remote.repository, remote.path, "--out", str(out))
        if out.is_dir():
            shutil.copytree(out, folder, dirs_exist_ok=True)
        else:
            shutil.move(out, folder)
    return version(remote)


def _at(remote: Dvc) -> str:
    return f" at '{remote.revision}'" if remote.revision else ""


def _dvc(remote: Dvc, command: str, *arguments: str) -> str:
    revision = ["--rev", remote.revision] if remote.revision else []
    return _run(remote, [sys.executable, "-m", "dvc", command, *arguments, *revision])


def _commit(remote: Dvc) -> str:
    found = _run(remote, ["git", "ls-remote", remote.repository, remote.revision or "HEAD"])
    return found.split()[0] if found else str(remote.revision)  # a commit is its own name


def _run(remote: Dvc, command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    reported = [
        line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")
    ]
    reason = (reported or done.stderr.splitlines() or ["no answer"])[-1]
    if any(sign in done.stderr for sign in PASSING):
        raise TryAgainError(f"{remote.repository}: {reason}")
    raise UserError(f"{remote.repository}{_at(remote)}: {reason}")
