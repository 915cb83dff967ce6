"""The releases of this project: immutable copies of Bentos, their order, and the champion.

    releases/<version>/       a Bento folder, never changed
    releases/index.json       [{"release", "model"}], oldest first
    releases/champion.json    {"release"}: what is to be served

Every file is replaced whole, in this order, and writers take turns; killed anywhere, a writer leaves
a registry that reads as before or as after.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.errors import UserError
from components.files import MANIFEST, atomic_folder, read_json, verify_manifest, write_json

RELEASES = Path("releases")
BUNDLE = Path("src/bundle")  # in a Bento folder: the model and its card
CARD = BUNDLE / "card.json"


def release(bento: Path, releases: Path = RELEASES) -> dict[str, str]:
    """Copy a Bento into the registry and make it the champion; the same Bento again changes nothing.

    Returns {"release", "model", "verdict"}.

    Raises:
        UserError: the Bento is damaged, or its version was released with other bytes.
    """
    verify_manifest(bento)
    card = read_json(bento / CARD)
    entry = {"release": card["version"], "model": card["model"]["sha256"]}
    with _lock(releases):
        _copy(bento, releases / entry["release"])
        entries = index(releases)
        if entries[-1:] != [entry]:
            write_json(releases / "index.json", [*entries, entry])
        write_json(releases / "champion.json", {"release": entry["release"]})
    return {**entry, "verdict": card["verdict"]}


def champion(other_than_model: str, releases: Path = RELEASES) -> Path | None:
    """The newest release whose model is another than the candidate's; None if there is none yet.

    So a second run with nothing changed compares with the same champion again.
    """
    others = [entry["release"] for entry in index(releases) if entry["model"] != other_than_model]
    return releases / others[-1] if others else None


def index(releases: Path = RELEASES) -> list[dict[str, Any]]:
    """Every release, oldest first.

    Raises:
        UserError: the file that lists them cannot be read.
    """
    file = releases / "index.json"
    entries = read_json(file) if file.exists() else []
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict) and {"release", "model"} <= entry.keys() for entry in entries
    ):
        raise UserError(f"{file}: found {str(entries)[:40]}, expected a list of {{'release', 'model'}}")
    return entries


def _copy(bento: Path, target: Path) -> None:
    """Copy once: a release is never overwritten."""
    if target.exists():
        if verify_manifest(target) != read_json(bento / MANIFEST):
            raise UserError(f"{target}: this version was released with other bytes than those of {bento}")
        return
    with atomic_folder(target) as folder:
        shutil.copytree(bento, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


@contextlib.contextmanager
def _lock(releases: Path) -> Iterator[None]:
    """One writer at a time; the system drops the lock of one that dies."""
    releases.mkdir(parents=True, exist_ok=True)
    with (releases / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
