"""The registry of earlier versions, `releases/`, taken over into git and DVC.

Each folder becomes bytes in DVC's cache, a commit and tags, in the order of the index; the champion stays the
champion. Killed anywhere, the same command goes on with the next folder. The old folder is read only: it is
the user's to remove, once a file in it says that all of it was taken over.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import yaml

from components.errors import UserError
from components.evaluation.records import Champion
from components.files import BYTECODE, MANIFEST, read_json, verify_manifest, write_json
from components.records import VERSION
from components.release import checkout, commit, moves, tags
from components.release.git import Git, Turn, turn
from components.release.records import (
    BundleCard,
    ReleasedTask,
    ReleaseIndex,
    ReleaseRecord,
    Served,
)
from components.release.registry import CARD, EARLIER, RECORD, TAKEN_OVER, Registry, Release

PARAMS = "params.yaml"
DVC_FILES = (".dvc/config", ".dvcignore")  # that `dvc get` needs of a commit


def is_due(root: Path) -> bool:
    """Has the project a registry of an earlier version that was not taken over yet?"""
    return (root / EARLIER / "index.json").is_file() and not (root / TAKEN_OVER).is_file()


def run(root: Path) -> None:
    """Take it over, and say so.

    Raises:
        UserError: its index or a release in it cannot be read, or git has other releases already.
    """
    entries = _entries(root)
    served = _served(root / EARLIER / "champion.json", entries)
    with turn(Git(root)) as mine:
        for bundle in _to_take(root, entries):
            found = _registry(root)
            move = _known(found, bundle) or _new(found, root / EARLIER / bundle)
            moves.move(found, mine, move, "release", "taken over from releases/")
            print(f"{EARLIER / bundle}: taken over as {move.version}")
        _keep_champion(root, mine, served)
    versions = {one.record.bundle: one.version for one in _releases(root)}
    write_json(root / TAKEN_OVER, {bundle: versions.get(bundle) for bundle in entries})
    print(f"{EARLIER}/: all of it is in git and DVC now; remove the folder when you like")


def _entries(root: Path) -> list[str]:
    """The bundles that were released, in order, each byte checked; without those whose folder is gone."""
    file = root / EARLIER / "index.json"
    content = read_json(file)
    if isinstance(content, list):  # written before the file named its version
        content = {VERSION: 1, "releases": content}
    names = [entry.release for entry in ReleaseIndex.of(content, file).releases]
    for name in sorted(set(names)):
        if not (root / EARLIER / name).is_dir():
            print(f"{EARLIER / name}: its folder was removed, so there is nothing to take over")
            continue
        verify_manifest(root / EARLIER / name)
    return [name for name in names if (root / EARLIER / name).is_dir()]


def _served(file: Path, entries: list[str]) -> str | None:
    """The bundle of the champion; None where there is none to take over."""
    if not entries:
        return None
    named = Served.read(file).release if file.is_file() else None
    if named not in entries:
        found = f"names {named}, whose folder is not there" if named else "no such file"
        raise UserError(
            f"{file}: {found}; put that back from a copy, or write which release is the champion, as "
            f'{{"release": "{entries[-1]}"}}, then `onetrunk upgrade` again'
        )
    return named


def _to_take(root: Path, entries: list[str]) -> Iterator[str]:
    """Those that git does not have yet; an earlier try may have taken over the first of them."""
    found = _registry(root)
    done = [found.release(move.of).record.bundle for move in found.moves]
    if done[: len(entries)] != entries[: len(done)]:
        raise UserError(
            f"{root / EARLIER}: other releases than git's ({', '.join(found.versions)}), "
            "so their order is unknown; move the folder elsewhere to go on with those"
        )
    yield from entries[len(done) :]


def _registry(root: Path) -> Registry:
    git = Git(root)
    return Registry(git, tags.read(git))


def _releases(root: Path) -> list[Release]:
    found = _registry(root)
    return found.releases(sorted(found.versions))


def _known(found: Registry, bundle: str) -> Release | None:
    """The release of a bundle that became the champion twice."""
    releases = found.releases(sorted(found.versions))
    return next((one for one in releases if one.record.bundle == bundle), None)


def _new(found: Registry, folder: Path) -> Release:
    """Put a Bento's bytes into DVC's cache, and write the commit that names them."""
    git, card = found.git, BundleCard.read(folder / CARD)
    on = card.commit if card.commit and git.blobs([card.commit])[0] is not None else None
    settings = git.blobs([f"{on}:{git.prefix}{PARAMS}"])[0] if on else None
    known = found.champion.record.anchors if found.champion else {}
    record = moves.record_of(
        found,
        folder,
        card,
        _tasks(card, settings),
        oid=_keep_bytes(git.project, folder),
        against=_against(found, card.model.sha256),
        anchors={head: known.get(head) for head in card.tasks},
        on=on,
        when=datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC),
    )
    checkout.open_(git, record, "HEAD")  # from DVC's cache, and checked
    return Release(record, _commit(found, record, on, settings))


def _tasks(card: BundleCard, settings: bytes | None) -> dict[str, ReleasedTask]:
    """The heads of a card, which has all metrics of each. Which of them the gate took, the settings say that
    were committed then; without them, only a metric that is the only one is known to be the gate's."""
    gated = _gated(settings)
    result = {}
    for head, packed in card.tasks.items():
        metric = gated.get(head) or next(iter(packed.metrics if len(packed.metrics) == 1 else ()), None)
        result[head] = ReleasedTask.of(packed, metric, packed.metrics.get(metric or ""))
    return result


def _gated(settings: bytes | None) -> dict[str, str]:
    """head -> the metric of its gate, as settings of any version say it; none where they cannot be read."""
    try:
        tasks = yaml.safe_load(settings or b"{}")["tasks"]
        heads = [(name, task) for name, task in tasks.items()]
        heads += [pair for task in tasks.values() for pair in task.get("joint", {}).items()]
        return {head: one["gate"]["metric"] for head, one in heads if one.get("gate")}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        return {}


def _against(found: Registry, model: str) -> Champion | None:
    """What it was compared with: the newest release of another model."""
    records = (found.release(version).record for version in reversed(found.line))
    return next((record.identity for record in records if record.model != model), None)


def _commit(found: Registry, record: ReleaseRecord, on: str | None, settings: bytes | None) -> str:
    """The commit of a release whose state of the project is not known: its bytes, by a file of DVC's, and the
    settings that were committed then."""
    git = found.git
    out = {"md5": record.bento, "hash": "md5", "path": checkout.BENTO}
    files: dict[str, bytes | Path] = {
        f"{checkout.BENTO}.dvc": json.dumps({"outs": [out]}).encode(),
        RECORD: (record.model_dump_json(indent=2) + "\n").encode(),
    }
    files |= {name: git.project / name for name in DVC_FILES if (git.project / name).is_file()}
    if settings is not None:
        files[PARAMS] = settings
    message = f"Release {record.version} of {record.name}\n\ntaken over, bundle {record.bundle}\n"
    return commit.of_files(git, files, [on] if on else [], message, moves.now(found))


def _keep_champion(root: Path, mine: Turn, served: str | None) -> None:
    """The champion may be an earlier release than the last."""
    found = _registry(root)
    chosen = _known(found, served) if served else None
    if chosen and found.line[-1:] != [chosen.version]:
        moves.move(found, mine, chosen, "rollback", "the champion of releases/")


def _keep_bytes(root: Path, folder: Path) -> str:
    """Copy a folder into DVC's cache; its hash there. A project's .dvcignore names releases/, so it is not
    asked, and what Python has written beside the code stays behind."""
    from dvc.fs import localfs
    from dvc.repo import Repo
    from dvc_data.hashfile.build import build
    from dvc_data.hashfile.transfer import transfer

    with Repo(os.fspath(root)) as repo, tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(folder, Path(scratch, "bento"), ignore=shutil.ignore_patterns(BYTECODE))
        cache = repo.cache.local
        staging, _, tree = build(cache, os.fspath(copy), localfs, "md5")
        transfer(staging, cache, {tree.hash_info}, hardlink=False, shallow=False)
        return str(tree.hash_info.value)
