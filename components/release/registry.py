"""The releases of this project: commits, GTO's tags on them, and bytes that DVC keeps.

    a commit                  params.yaml, dvc.lock, metrics, verdict and release.json (commit.py)
    NAME@v1.2.0               its version; NAME#champion#7 and the like say what is served (tags.py)
    .onetrunk/releases/       Bento folders, a cache of what DVC keeps (checkout.py)

The champion is what the newest champion tag names, and nothing else: so a writer that is killed anywhere
leaves the old champion or the new one, and whoever writes next completes the tags that follow from it.
Releases, promotions and rollbacks take turns.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from components.errors import UserError
from components.evaluation.records import (
    CHAMPION,
    EVALUATION,
    METRICS,
    VERDICT,
    Champion,
    ChampionReport,
    Comparison,
    ReleaseReport,
    Verdict,
    describe,
)
from components.files import MANIFEST, read_json, sha256, verify_manifest
from components.release import checkout, commit, dvc_cache, tags
from components.release.git import Git, Turn, turn
from components.release.records import BundleCard, PackedTask, ReleasedTask, ReleaseRecord
from components.release.tags import Action, Tag

EARLIER = Path("releases")  # the registry of earlier versions
TAKEN_OVER = EARLIER / "taken_over.json"
RECORD = "release.json"  # in the commit of a release
FILES = ("params.yaml", "dvc.yaml", "dvc.lock", *map(str, (METRICS, EVALUATION, VERDICT)))  # with it
BUNDLE = Path("src/bundle")  # in a Bento folder: the model and its card
CARD = BUNDLE / "card.json"
WEIGHTS = BUNDLE / "model.safetensors"


@dataclass(frozen=True)
class Release:
    """A version and its commit."""

    record: ReleaseRecord
    commit: str

    @property
    def version(self) -> str:
        """Its semantic version."""
        return self.record.version


@dataclass(frozen=True)
class Registry:
    """The releases of a project as the tags had them when they were read."""

    git: Git
    tags: list[Tag]

    @cached_property
    def moves(self) -> list[Tag]:
        """What has made a release the champion, the newest last."""
        return [tag for tag in self.tags if tag.stage == tags.CHAMPION and not tag.left]

    @cached_property
    def versions(self) -> dict[str, str]:
        """version -> commit, of every release."""
        named = {tag.version: tag.commit for tag in self.tags if tag.version}
        return {**named, **{move.of: move.commit for move in self.moves}}

    @cached_property
    def _walked(self) -> tuple[list[str], set[str]]:
        line: list[str] = []
        rolled_back: set[str] = set()
        for move in self.moves:
            if move.action == "rollback":
                kept = len(line) - line[::-1].index(move.of) if move.of in line else 0
                rolled_back |= set(line[kept:])
                line = line[:kept]
            if line[-1:] != [move.of]:
                line.append(move.of)
            rolled_back.discard(move.of)
        return line, rolled_back

    @property
    def line(self) -> list[str]:
        """The champions that a rollback goes back to, the last being today's."""
        return self._walked[0]

    @property
    def rolled_back(self) -> set[str]:
        """The versions that were rolled back, and not promoted since."""
        return self._walked[1]

    @cached_property
    def kept(self) -> set[str]:
        """The versions that are in a stage: champion, previous or anchor."""
        staged = _in_stage(self.tags, tags.PREVIOUS) | _in_stage(self.tags, tags.ANCHOR)
        return {*self.line[-2:], *(one for one, commit in self.versions.items() if commit in staged)}

    def releases(self, versions: Collection[str]) -> list[Release]:
        """Some releases by their versions, one process for all.

        Raises:
            UserError: a commit has no record of its release, or one that cannot be read.
        """
        commits = [self.versions[version] for version in versions]
        texts = self.git.blobs([f"{one}:{self.git.prefix}{RECORD}" for one in commits])
        return [Release(_record(text, one), one) for one, text in zip(commits, texts, strict=True)]

    def release(self, version: str) -> Release:
        """One release.

        Raises:
            UserError: there is no such version.
        """
        (found,) = self.releases([tags.spelled(version, list(self.versions))])
        return found

    @cached_property
    def champion(self) -> Release | None:
        """What is to be served; None before the first release."""
        return self.release(self.line[-1]) if self.line else None

    def folder(self, release: Release) -> Path:
        """Its Bento folder, every byte of it checked (checkout.open_)."""
        return checkout.open_(self.git, release.record, release.commit)


def read(project: Path = Path()) -> Registry:
    """The releases as they are now.

    Raises:
        UserError: there is no git repository, its tags are elsewhere, or an earlier version's registry was
            not taken over.
    """
    git = Git(project)
    found = Registry(git, tags.read(git))
    if not found.moves:
        _require_complete(git)
    if (project / EARLIER / "index.json").exists() and not (project / TAKEN_OVER).exists():
        raise UserError(
            f"{project / EARLIER}: releases of an earlier version, which are now commits and tags of git; run "
            f"`onetrunk upgrade` once, which takes them over and loses none"
        )
    return found


def _require_complete(git: Git) -> None:
    """No release is only then no release when this clone has all tags."""
    remedy = "bring what there is with `git fetch --tags --unshallow`" if git.is_shallow else ""
    options = "" if remedy else git("config", "--default", "", "--get-regexp", r"^remote\..*\.tagopt$")
    if "--no-tags" in options:
        remedy = "bring what there is with `git fetch --tags`, and remove --no-tags from .git/config"
    if remedy:
        raise UserError(
            f"{git.project.absolute()}: this clone has no release, but neither all of the repository; {remedy}"
        )


def champion(other_than_model: str, project: Path = Path()) -> Champion | None:
    """What a candidate is to be compared with: the champion; None if there is none yet.

    Where the candidate's own model is the champion, it is what that was compared with: so a second run with
    nothing changed compares with the same one again.

    Raises:
        UserError: the registry cannot be read.
    """
    today = read(project).champion
    if today is None or today.record.model != other_than_model:
        return today and today.record.identity
    return today.record.against


def anchors(other_than_model: str, project: Path = Path()) -> dict[str, Champion]:
    """The releases that a slow decay is measured from, by head, as they hold for a candidate.

    Raises:
        UserError: the registry cannot be read.
    """
    found = read(project)
    against = champion(other_than_model, project)
    if against is None:
        return {}
    versions = found.release(against.release).record.anchors
    known = {one.version: one.record.identity for one in found.releases(sorted(set(versions.values())))}
    return {head: known[version] for head, version in versions.items()}


def rolled_back(model: str, project: Path = Path()) -> str | None:
    """The version under which a model was released and then rolled back; None if it was not, or was promoted
    again since."""
    found = read(project)
    releases = found.releases(sorted(found.rolled_back))
    return next((one.version for one in releases if one.record.model == model), None)


def open_champion(champion: Champion, project: Path = Path()) -> Path:
    """The model's folder of a release, after every byte of the release was checked.

    Raises:
        UserError: there is no such release, or its bytes are not those that were released.
    """
    found = read(project)
    release = found.release(champion.release)
    if release.record.identity != champion:
        raise UserError(
            f"{describe(champion)}: the release of this version is another, {describe(release.record.identity)}"
        )
    return found.folder(release) / BUNDLE


def named_champion(model: str) -> Champion | None:
    """What reports/champion.json says that a model is to be compared with, if that is still so.

    Raises:
        UserError: the champion has changed since the file was written.
    """
    return still_champion(ChampionReport.read(CHAMPION).champion, model, CHAMPION)


def still_champion(
    named: Champion | None, model: str, file: Path, project: Path = Path()
) -> Champion | None:
    """The champion that a file names, if a model is still to be compared with that.

    Raises:
        UserError: the champion has changed since the file was written.
    """
    if (now := champion(model, project)) != named:
        raise UserError(
            f"{file}: made against {describe(named)}, but now {describe(now)} is to be compared with; run again"
        )
    return named


def release(
    bento: Path, verdict: Verdict, project: Path = Path(), moved: Collection[str] = (), forced: str | None = None
) -> ReleaseReport:
    """Release a Bento and make it the champion; the champion's own Bento again changes nothing.

    `moved` are the heads whose anchor is this release from now on, beside those that have none yet; `forced`
    is the reason of a release that the gate did not let through.

    Raises:
        UserError: the Bento is damaged or not the one that dvc.lock names, or the champion has changed since
            the verdict.
    """
    verify_manifest(bento)
    card = BundleCard.read(bento / CARD)
    with turn(Git(project)) as mine:
        found = read(project)
        today = found.champion
        if today and today.record.bundle == card.version:
            _require_same(today.record, bento)
            _complete(found, mine)
            return _report(today.record)
        against = verdict.champion and verdict.champion.identity
        still_champion(against, card.model.sha256, project / VERDICT, project)
        record = _new_record(found, bento, card, verdict, moved, forced)
        checkout.put(found.git, record, lambda target: _copy(bento, target))
        _announce(found, mine, record, forced or "")
    return _report(record)


def promote(version: str, reason: str, project: Path = Path(), action: Action = "promote") -> Release:
    """Make an earlier release the champion, by a promotion or by a rollback; its bytes are checked first.

    Raises:
        UserError: there is no such release, or its bytes cannot be had.
    """
    with turn(Git(project)) as mine:
        found = read(project)
        chosen = found.release(version)
        found.folder(chosen)
        if found.line[-1:] != [chosen.version]:
            _move(found, mine, chosen, action, reason)
        else:
            _complete(found, mine)
    return chosen


def _record(text: bytes | None, commit: str) -> ReleaseRecord:
    if text is None:
        raise UserError(f"commit {commit[:12]}: tagged as a release, but has no {RECORD}; `git fsck` may say more")
    place = Path(f"{commit[:12]}:{RECORD}")
    try:
        return ReleaseRecord.of(json.loads(text), place)
    except ValueError as error:
        raise UserError(f"{place}: not JSON ({error})") from None


def _new_record(
    found: Registry,
    bento: Path,
    card: BundleCard,
    verdict: Verdict,
    moved: Collection[str],
    forced: str | None,
) -> ReleaseRecord:
    tasks = {name: _task(task, verdict, name) for name, task in card.tasks.items()}
    version = next_version(found, tasks)
    known = found.champion.record.anchors if found.champion else {}
    return ReleaseRecord(
        version=version,
        name=card.name,
        bundle=card.version,
        bento=_tracked(found.git, bento),
        model=card.model.sha256,
        manifest=sha256(bento / MANIFEST),
        verdict=verdict.verdict,
        forced=forced,
        against=verdict.champion and verdict.champion.identity,
        anchors={head: version if head in moved else known.get(head, version) for head in tasks},
        tasks=tasks,
        data=card.data,
        commit=found.git.head(),
        date=datetime.fromtimestamp(_now(found), UTC).isoformat(),
        who=found.git.who(),
    )


def _task(task: PackedTask, verdict: Verdict, name: str) -> ReleasedTask:
    said = verdict.tasks.get(name)
    compared: Comparison | None = said.champion if said else None
    return ReleasedTask(
        family=task.family,
        inputs=task.inputs,
        labels=task.labels,
        metric=said and said.metric,
        value=said and said.value,
        interval=said and said.interval,
        difference=compared and compared.difference,
        difference_interval=compared and compared.interval,
    )


def next_version(found: Registry, tasks: Mapping[str, ReleasedTask]) -> str:
    """The version after the greatest: major where callers lose a task or a label that the champion answers
    with, or must ask otherwise; minor where they get one; patch where a model was trained anew."""
    major, minor, patch = tags.greatest(list(found.versions))
    before = found.champion.record.tasks if found.champion else {}
    if not found.versions or any(name not in tasks or _lost(old, tasks[name]) for name, old in before.items()):
        return f"v{major + 1}.0.0"
    if any(name not in before or _lost(new, before[name]) for name, new in tasks.items()):
        return f"v{major}.{minor + 1}.0"
    return f"v{major}.{minor}.{patch + 1}"


def _lost(before: ReleasedTask, after: ReleasedTask) -> bool:
    """Is something that a caller could rely on no longer so?"""
    same = (before.family, before.inputs) == (after.family, after.inputs)
    return not same or not set(before.labels or ()) <= set(after.labels or ())


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
    shutil.copytree(bento, target, ignore=shutil.ignore_patterns("__pycache__"))


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
    message = f"Release {record.version} of {record.name}\n\nverdict {record.verdict}, bundle {record.bundle}\n"
    written = commit.write(found.git, files, message, _now(found))
    _move(found, mine, Release(record, written), "release", reason)


def _move(found: Registry, mine: Turn, chosen: Release, action: Action, reason: str) -> None:
    """Make a release the champion: its tag first, then those that follow from it."""
    number = _next_number(found)
    tag = Tag(chosen.commit, _now(found), "", action, chosen.version, reason, None, tags.CHAMPION, False, number)
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
    result = {
        tags.version_name(git, name, version): commit
        for version, commit in found.versions.items()
        if version not in named
    }
    previous = {found.versions[version] for version in found.line[-2:-1]} - {today.commit}
    wanted = {
        tags.PREVIOUS: previous,
        tags.ANCHOR: {found.versions[one] for one in today.record.anchors.values() if one in found.versions},
    }
    for stage, commits in wanted.items():
        there = _in_stage(found.tags, stage)
        for commit, left in [*((one, True) for one in there - commits), *((one, False) for one in commits - there)]:
            result[tags.stage_name(git, name, stage, number, left)] = commit
            number += 1
    return result


def _in_stage(found: list[Tag], stage: str) -> set[str]:
    """The commits whose versions are in a stage."""
    inside: set[str] = set()
    for tag in found:
        if tag.stage == stage:
            inside = inside - {tag.commit} if tag.left else inside | {tag.commit}
    return inside


def _write(after: Registry, mine: Turn, names: Mapping[str, str]) -> None:
    last = after.moves[-1]
    subject, when = f"onetrunk {last.action} {last.of}", _now(after)
    refs = {
        f"refs/tags/{name}": tags.write(after.git, name, target, when, subject, last.why)
        for name, target in names.items()
    }
    mine.create(refs)


def _next_number(found: Registry) -> int:
    return max((tag.number for tag in found.tags), default=0) + 1


def _now(found: Registry) -> int:
    """The time, and after that of every tag there is: GTO orders them by it."""
    return max([int(time.time()), *(tag.when + 1 for tag in found.tags)])
