"""How the registry changes: a release, a promotion, a rollback. Each is a turn of its own.

A release's commit and the objects of its tags are written first, where nothing points to them; then git
creates all tags at once, that of the champion first (tags.py).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from components.errors import UserError
from components.evaluation.records import VERDICT, Champion, ReleaseReport, Verdict
from components.files import BYTECODE, MANIFEST, Manifest, sha256, verify_manifest
from components.release import checkout, commit, dvc_cache, signing, tags
from components.release.git import Git, Turn, turn
from components.release.records import BundleCard, ReleasedTask, ReleaseRecord
from components.release.registry import (
    CARD,
    FILES,
    RECORD,
    WEIGHTS,
    Registry,
    Release,
    in_stage,
    read,
    still_champion,
)
from components.release.tags import Action, Tag


def release(
    bento: Path, verdict: Verdict, project: Path = Path(), because: str | None = None
) -> ReleaseReport:
    """Release a Bento and make it the champion; the champion's own Bento again changes nothing. `because` is
    what asked for its training.

    Raises:
        UserError: the Bento is damaged or not the one that dvc.lock names, its weights are not those that
            its card names, it was packed on another verdict, or the champion has changed since that.
    """
    manifest = verify_manifest(bento)
    card = BundleCard.read(bento / CARD)
    _require_judged(bento, card, manifest)
    _require_packed_on(project / VERDICT, bento, card)
    with turn(Git(project)) as mine:
        found = read(project)
        today = found.champion
        if today and today.record.bundle == card.version:
            _require_same(today.record, bento)
            _complete(found, mine)
            return _report(today.record)
        against = verdict.champion and verdict.champion.identity
        still_champion(against, card.model.sha256, project / VERDICT, project)
        record = _new_record(found, bento, card, verdict).model_copy(update={"because": because})
        checkout.put(found.git, record, lambda target: _copy(bento, target))
        _announce(found, mine, record, card.forced or "")
    return _report(record)


def promote(version: str, reason: str, project: Path = Path(), action: Action = "promote") -> Release:
    """Make an earlier release the champion, by a promotion or by a rollback; its bytes are checked first.

    Raises:
        UserError: there is no such release, or its bytes cannot be had.
    """
    with turn(Git(project)) as mine:
        found = read(project)
        chosen = found.release(version)
        signing.check(found.folder(chosen), project)
        if found.line[-1:] != [chosen.version]:
            move(found, mine, chosen, action, reason)
        else:
            _complete(found, mine)
    return chosen


def record_of(
    found: Registry,
    bento: Path,
    card: BundleCard,
    tasks: Mapping[str, ReleasedTask],
    *,
    oid: str,
    against: Champion | None,
    anchors: Mapping[str, str | None],
    on: str | None,
    when: datetime,
) -> ReleaseRecord:
    """What is written down of a Bento's folder, which DVC knows as `oid`, as the next release.

    An anchor of None is the release itself; `on` is the commit that the project stood on.
    """
    version = next_version(found, card.name, tasks)
    return ReleaseRecord(
        version=version,
        name=card.name,
        bundle=card.version,
        bento=oid,
        model=card.model.sha256,
        manifest=sha256(bento / MANIFEST),
        verdict=card.verdict,
        forced=card.forced,
        against=against,
        beginning=card.beginning,
        anchors={head: anchor or version for head, anchor in anchors.items()},
        tasks=dict(tasks),
        data=card.data,
        commit=on,
        date=when.isoformat(timespec="seconds"),
        who=found.git.who,
    )


def _new_record(found: Registry, bento: Path, card: BundleCard, verdict: Verdict) -> ReleaseRecord:
    judged = {name: (said.metric, said) for name, said in verdict.tasks.items()}
    return record_of(
        found,
        bento,
        card,
        {name: ReleasedTask.of(task, *judged.get(name, (None, None))) for name, task in card.tasks.items()},
        oid=_tracked(found.git, bento),
        against=verdict.champion and verdict.champion.identity,
        anchors={head: anchor.release if anchor else None for head, anchor in verdict.anchors.items()},
        on=found.git.head(),
        when=datetime.fromtimestamp(now(found), UTC),
    )


def next_version(found: Registry, name: str, tasks: Mapping[str, ReleasedTask]) -> str:
    """The version of a service after the greatest that is taken: major where callers lose a task or a label
    that the champion answers with, or must ask otherwise; minor where they get one; patch where a model was
    trained anew."""
    taken = [one.version for one in found.named if one.version and one.name == tags.ended(name)]
    major, minor, patch = tags.greatest([*found.versions, *taken])
    before = found.champion.record.tasks if found.champion else {}
    if not found.versions or _lost(before, tasks):
        return f"v{major + 1}.0.0"
    if _lost(tasks, before):
        return f"v{major}.{minor + 1}.0"
    return f"v{major}.{minor}.{patch + 1}"


def _lost(before: Mapping[str, ReleasedTask], after: Mapping[str, ReleasedTask]) -> bool:
    """Is something that callers of `before` could rely on no longer so?"""
    return any(
        name not in after
        or (old.family, old.inputs) != (after[name].family, after[name].inputs)
        or not set(old.labels or ()) <= set(after[name].labels or ())
        for name, old in before.items()
    )


def _tracked(git: Git, bento: Path) -> str:
    """DVC's hash of the Bento's folder, after a look whether it is that of these bytes.

    Raises:
        UserError: dvc.lock names no Bento, or another one, or DVC's cache does not have it.
    """
    lock = git.project / dvc_cache.LOCK
    oid = dvc_cache.recorded(lock.read_bytes(), checkout.BENTO) if lock.is_file() else None
    listed = dvc_cache.listing(dvc_cache.place(git.project), oid) if oid else None
    if oid is None or listed is None or listed.get(MANIFEST) != dvc_cache.hash_file(bento / MANIFEST):
        what = "does not name it" if oid is None else "names another, or DVC's cache does not have it"
        raise UserError(
            f"{bento}: {dvc_cache.LOCK} {what}, and a release is what can be had again; `dvc commit package`"
        )
    return oid


def _copy(bento: Path, target: Path) -> None:
    shutil.copytree(bento, target, ignore=shutil.ignore_patterns(BYTECODE))


def _require_judged(bento: Path, card: BundleCard, manifest: Manifest) -> None:
    """A verdict holds for the weights that the card names, whatever manifest and dvc.lock say of others."""
    packed = manifest["files"].get(WEIGHTS.as_posix())
    if packed is None or packed["sha256"] != card.model.sha256:
        raise UserError(
            f"{bento / WEIGHTS}: not the weights that {CARD} names ({card.model.sha256[:12]}) and the gate "
            f"has judged; `onetrunk run` packs those again"
        )


def _require_packed_on(verdict: Path, bento: Path, card: BundleCard) -> None:
    """What the card shows of metrics, and whether it was forced, is of the verdict that it was packed on."""
    packed = card.evidence.get(VERDICT.name)
    if packed is not None and packed != sha256(verdict):
        raise UserError(
            f"{bento}: packed on another verdict ({packed[:12]}) than {VERDICT}; `onetrunk run` packs it anew"
        )


def _require_same(record: ReleaseRecord, bento: Path) -> None:
    if sha256(bento / MANIFEST) != record.manifest:
        raise UserError(
            f"{bento}: bundle {record.bundle} was released as {record.version} with other bytes than these"
        )


def _report(record: ReleaseRecord) -> ReleaseReport:
    return ReleaseReport(
        release=record.version, bundle=record.bundle, model=record.model, verdict=record.verdict
    )


def _announce(found: Registry, mine: Turn, record: ReleaseRecord, reason: str) -> None:
    """Write the commit of a release, and make it the champion."""
    files: dict[str, bytes | Path] = {
        name: found.git.project / name for name in FILES if (found.git.project / name).is_file()
    }
    files[RECORD] = (record.model_dump_json(indent=2) + "\n").encode()
    because = f"\nAsked for by {record.because}\n" if record.because else ""
    said = f"{record.verdict}, bundle {record.bundle}\n"
    message = f"Release {record.version} of {record.name}\n\n{said}{because}"
    written = commit.write(found.git, files, message, now(found))
    move(found, mine, Release(record, written), "release", reason)


def move(found: Registry, mine: Turn, chosen: Release, action: Action, reason: str) -> None:
    """Make a release the champion, in one's turn: its tag first, then those that follow from it."""
    number = _next_number(found)
    tag = Tag(
        chosen.commit, now(found), "", action, chosen.version, reason, stage=tags.CHAMPION, number=number
    )
    after = Registry(found.git, [*found.tags, tag])
    name = tags.stage_name(found.git, chosen.record.name, tags.CHAMPION, number)
    _write(after, mine, {name: chosen.commit, **_following(after, chosen)})


def _complete(found: Registry, mine: Turn) -> None:
    """Write the tags that follow from the champion, where a writer was killed before it did."""
    if found.champion and (missing := _following(found, found.champion)):
        _write(found, mine, missing)


def _following(found: Registry, today: Release) -> dict[str, str]:
    """The tags that follow from the champion and are not there yet: name -> commit."""
    git, name, number = found.git, today.record.name, _next_number(found)
    named = {tag.version for tag in found.tags}
    missing = {
        tags.version_name(git, name, version): commit
        for version, commit in found.versions.items()
        if version not in named
    }
    labels = {one.label for one in found.named}  # somebody may have given such a name to another commit
    result = {label: commit for label, commit in missing.items() if label not in labels}
    previous = {found.versions[version] for version in found.line[-2:-1]} - {today.commit}
    wanted = {
        tags.PREVIOUS: previous,
        tags.ANCHOR: {found.versions[one] for one in today.record.anchors.values() if one in found.versions},
    }
    for stage, commits in wanted.items():
        there = in_stage(found.tags, stage)
        for target in sorted(there ^ commits):
            result[tags.stage_name(git, name, stage, number, left=target in there)] = target
            number += 1
    return result


def _write(after: Registry, mine: Turn, names: Mapping[str, str]) -> None:
    last = after.moves[-1]
    subject, when = f"onetrunk {last.action} {last.of}", now(after)
    refs = {
        f"refs/tags/{name}": tags.write(after.git, name, target, when, subject, last.why)
        for name, target in names.items()
    }
    mine.create(refs)


def _next_number(found: Registry) -> int:
    numbers = [tag.number for tag in found.tags] + [one.number for one in found.named]
    return max(numbers, default=0) + 1


def now(found: Registry) -> int:
    """The time, and after that of every tag there is: GTO orders them by it."""
    taken = [tag.when for tag in found.tags] + [one.when for one in found.named]
    return max([int(time.time()), *(when + 1 for when in taken)])
