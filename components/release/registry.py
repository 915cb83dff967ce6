"""The releases of this project: immutable copies of Bentos, their order, and the champion.

    releases/<version>/       a Bento folder, never changed
    releases/index.json       every release, oldest first (records.ReleaseIndex)
    releases/champion.json    {"release"}: what is to be served

Every file is replaced whole, in this order, and writers take turns; killed anywhere, a writer leaves
a registry that reads as before or as after. The index is there before the first folder is, so that one
that is lost is never taken for a registry without releases.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from components.errors import UserError
from components.evaluation.records import CHAMPION, Champion, ChampionReport, ReleaseReport, describe
from components.files import MANIFEST, atomic_folder, read_json, sha256, verify_manifest
from components.records import VERSION
from components.release import signing
from components.release.records import BundleCard, Release, ReleaseIndex, Served

RELEASES = Path("releases")
BUNDLE = Path("src/bundle")  # in a Bento folder: the model and its card
CARD = BUNDLE / "card.json"
WEIGHTS = BUNDLE / "model.safetensors"


def release(
    bento: Path, releases: Path = RELEASES, anchors: Mapping[str, Champion | None] | None = None
) -> ReleaseReport:
    """Copy a Bento into the registry and make it the champion; the same Bento again changes nothing.

    `anchors` are what its heads are anchored to from now on, as the verdict says; None is this very release.

    Raises:
        UserError: the Bento is damaged, its version was released with other bytes, or the index is lost.
    """
    verify_manifest(bento)
    card = BundleCard.read(bento / CARD)
    versions = {head: anchor.release if anchor else card.version for head, anchor in (anchors or {}).items()}
    entry = Release(release=card.version, model=card.model.sha256, anchors=versions)
    with _lock(releases):
        entries = index(releases)
        if not entries:
            ReleaseIndex(releases=[]).write(releases / "index.json")
        _copy(bento, releases / entry.release)
        if entries[-1:] != [entry]:
            ReleaseIndex(releases=[*entries, entry]).write(releases / "index.json")
        Served(release=entry.release).write(releases / "champion.json")
    return ReleaseReport(release=entry.release, model=entry.model, verdict=card.verdict)


def champion(other_than_model: str, releases: Path = RELEASES) -> Champion | None:
    """The newest release whose model is another than the candidate's; None if there is none yet.

    So a second run with nothing changed compares with the same champion again.

    Raises:
        UserError: the index is lost or torn, or the release's folder is not there.
    """
    others = [entry for entry in index(releases) if entry.model != other_than_model]
    if not others:
        return None
    return _to_compare(others[-1], releases)


def anchors(champion: Champion | None, releases: Path = RELEASES) -> dict[str, Champion]:
    """head -> the release that it is anchored to since the champion was released; none of a champion that was
    released before there were anchors.

    Raises:
        UserError: the index is lost or torn, or an anchor is not in it or its folder is not there.
    """
    if champion is None:
        return {}
    entries = {entry.release: entry for entry in index(releases)}
    named = entries[champion.release].anchors if champion.release in entries else {}
    if lost := sorted(set(named.values()) - entries.keys()):
        raise UserError(
            f"{releases / 'index.json'}: has no release {lost[0]}, which tasks are anchored to; put it back "
            f"from a copy"
        )
    return {head: _to_compare(entries[version], releases) for head, version in named.items()}


def _to_compare(entry: Release, releases: Path) -> Champion:
    """A release that candidates are compared with, and the hash of what its folder holds."""
    manifest = releases / entry.release / MANIFEST
    if not manifest.is_file():
        raise UserError(
            f"{manifest}: missing, but {releases / 'index.json'} names this release as one to compare "
            f"with; put its folder back from a copy, or take it out of the index"
        )
    return Champion(release=entry.release, model=entry.model, manifest=sha256(manifest))


def open_champion(champion: Champion, releases: Path = RELEASES) -> Path:
    """The champion's model folder, after every byte of the release was checked, and its signature.

    Raises:
        UserError: a file of the release is missing, truncated or altered, or its signature is refused.
    """
    folder = releases / champion.release
    files = verify_manifest(folder)["files"]
    weights = files.get(WEIGHTS.as_posix())
    is_champion = sha256(folder / MANIFEST) == champion.manifest
    if not is_champion or weights is None or weights["sha256"] != champion.model:
        raise UserError(
            f"{folder}: not the bytes that were released (expected model {champion.model[:12]}); "
            f"put the folder back from a copy"
        )
    signing.check(folder, Path())
    return folder / BUNDLE


def named_champion(model: str) -> Champion | None:
    """What reports/champion.json says that a model is to be compared with, if that is still so.

    Raises:
        UserError: another release has come, or one has gone, since the file was written.
    """
    return still_champion(ChampionReport.read(CHAMPION).champion, model, CHAMPION)


def still_champion(named: Champion | None, model: str, file: Path) -> Champion | None:
    """The champion that a file names, if a model is still to be compared with that.

    Raises:
        UserError: another release has come, or one has gone, since the file was written.
    """
    if (now := champion(model)) != named:
        raise UserError(
            f"{file}: made against {describe(named)}, but {RELEASES} now gives {describe(now)} to compare "
            f"with; run again"
        )
    return named


def index(releases: Path = RELEASES) -> list[Release]:
    """Every release, oldest first.

    Raises:
        UserError: the index is missing though there are releases, or it is torn.
    """
    file = releases / "index.json"
    if not file.exists():
        if folders := sorted(path.parent.name for path in releases.glob(f"[!.]*/{MANIFEST}")):
            raise UserError(
                f"{file}: missing, but there are releases ({', '.join(folders)}); put the index back from a "
                f"copy: without it nobody knows which is the newest"
            )
        return []
    try:
        found = read_json(file)
    except UserError as error:
        raise UserError(f"{error}; {ReleaseIndex.remedy}") from None
    if isinstance(found, list):  # written before the file named its version
        found = {VERSION: 1, "releases": found}
    return ReleaseIndex.of(found, file).releases


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
