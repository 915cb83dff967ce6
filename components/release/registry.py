"""The releases of this project: commits, GTO's tags on them, and bytes that DVC keeps.

    a commit                  params.yaml, dvc.lock, metrics, verdict and release.json (commit.py)
    NAME@v1.2.0               its version; NAME#champion#7 and the like say what is served (tags.py)
    .onetrunk/releases/       Bento folders, a cache of what DVC keeps (checkout.py)

The champion is what the newest champion tag names, and nothing else: so a writer that is killed anywhere
leaves the old champion or the new one, and whoever writes next completes the tags that follow from it.
Releases, promotions and rollbacks take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path

from components.errors import UserError
from components.evaluation.records import (
    CHAMPION,
    EVALUATION,
    METRICS,
    VERDICT,
    Bar,
    Champion,
    ChampionReport,
    Verdict,
    describe,
)
from components.files import parse_json
from components.release import checkout, signing, tags
from components.release.git import Git
from components.release.records import BundleCard, ReleaseRecord
from components.release.tags import Named, Tag

EARLIER = Path("releases")  # the registry of earlier versions
TAKEN_OVER = EARLIER / "taken_over.json"
RECORD = tags.RECORD
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
    def named(self) -> list[Named]:
        """All tags whose name no further one can have."""
        return tags.named(self.git)

    def unread(self) -> list[str]:
        """The names of tags that stand where this project's would, and were not made by onetrunk: they change
        nothing, whatever GTO says of them."""
        names = {one.name for one in self.named if one.ours}
        others = (one for one in self.named if not one.ours and one.name in names)
        return [one.label for one in others if one.stage in tags.STAGES or one.version in self.versions]

    @cached_property
    def _walked(self) -> tuple[list[str], dict[str, str]]:
        line: list[str] = []
        rolled_back: dict[str, str] = {}
        for move in self.moves:
            if move.action == "rollback":
                kept = _kept(line, move.of)
                rolled_back |= dict.fromkeys(line[kept:], move.why)
                line = line[:kept]
            if line[-1:] != [move.of]:
                line.append(move.of)
            rolled_back.pop(move.of, None)
        return line, rolled_back

    @property
    def line(self) -> list[str]:
        """The champions that a rollback goes back to, the last being today's."""
        return self._walked[0]

    @property
    def rolled_back(self) -> dict[str, str]:
        """The versions that were rolled back, and not promoted since: version -> why, if it was said."""
        return self._walked[1]

    @cached_property
    def kept(self) -> set[str]:
        """The versions that are in a stage: champion, previous or anchor."""
        staged = in_stage(self.tags, tags.PREVIOUS) | in_stage(self.tags, tags.ANCHOR)
        return {*self.line[-2:], *(one for one, commit in self.versions.items() if commit in staged)}

    def stages(self) -> dict[str, list[str]]:
        """version -> the stages that it is in; "rolled back" is said of those that were."""
        found: dict[str, list[str]] = {}
        for version in self.line[-1:]:
            found.setdefault(version, []).append(tags.CHAMPION)
        for stage in (tags.PREVIOUS, tags.ANCHOR):
            inside = in_stage(self.tags, stage)
            for version, commit in self.versions.items():
                if commit in inside:
                    found.setdefault(version, []).append(stage)
        for version in self.rolled_back:
            found.setdefault(version, []).append("rolled back")
        return found

    def releases(self, versions: Sequence[str]) -> list[Release]:
        """Some releases by their versions, one process for all.

        Raises:
            UserError: a commit has no record of its release, or one that cannot be read.
        """
        commits = [self.versions[tags.spelled(version, list(self.versions))] for version in versions]
        texts = self.git.blobs([f"{one}:{self.git.prefix}{RECORD}" for one in commits])
        found = [Release(_record(text, one), one) for one, text in zip(commits, texts, strict=True)]
        for version, one in zip(versions, found, strict=True):
            if one.version != version:
                raise UserError(f"commit {one.commit[:12]}: tagged as {version}, but it is {one.version}")
        return found

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


def _kept(line: Sequence[str], target: str) -> int:
    """How many champions of the line stay behind a rollback to `target`: up to it, where it is one of them;
    else those that are older, and never the last, which is what was left."""
    if target in line:
        return len(line) - line[::-1].index(target)
    older = takewhile(lambda one: tags.order(one) < tags.order(target), line[:-1])
    return len(list(older))


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
            f"{project / EARLIER}: releases of an earlier version; now they are commits and tags, so "
            f"run `onetrunk upgrade` once, which takes them over and loses none"
        )
    return found


def _require_complete(git: Git) -> None:
    """No release is only then no release when this clone has all tags."""
    if (remedy := git.tags_left_out()) is not None:
        raise UserError(
            f"{git.project.absolute()}: no release here, but this clone is not the whole repository; bring "
            f"what there is with {remedy}"
        )


def champion(other_than_model: str, project: Path = Path()) -> Champion | None:
    """What a candidate is to be compared with: the champion; None if there is none yet.

    Where the candidate's own model is the champion, it is what that was compared with: so a second run with
    nothing changed compares with the same one again.

    Raises:
        UserError: the registry cannot be read.
    """
    today = read(project).champion
    if today is None:
        return None
    return today.record.identity if today.record.model != other_than_model else today.record.against


def anchors(champion: Champion | None, project: Path = Path()) -> dict[str, Champion]:
    """head -> the release that it is anchored to since the champion was released.

    Raises:
        UserError: the registry cannot be read, or lacks an anchor.
    """
    if champion is None:
        return {}
    found = read(project)
    versions = found.release(champion.release).record.anchors
    known = {one.version: one.record.identity for one in found.releases(sorted(set(versions.values())))}
    return {head: known[version] for head, version in versions.items()}


def rolled_back(model: str, project: Path = Path()) -> str | None:
    """The version under which a model was released and then rolled back; None if it was not, or was promoted
    again since."""
    found = read(project)
    releases = found.releases(sorted(found.rolled_back))
    return next((one.version for one in releases if one.record.model == model), None)


def open_champion(champion: Champion, project: Path = Path()) -> Path:
    """The model's folder of a release, after every byte of it was checked, and its signature.

    Raises:
        UserError: there is no such release, its bytes are not those that were released, or its signature is
            refused.
    """
    found = read(project)
    release = found.release(champion.release)
    if release.record.identity != champion:
        raise UserError(
            f"{describe(champion)}: that version is another one now, {describe(release.record.identity)}"
        )
    folder = found.folder(release)
    signing.check(folder, project)
    return folder / BUNDLE


def bar_of(champion: Champion, project: Path = Path()) -> Bar | None:
    """What a release had to reach, by the verdict of its commit; None where that does not say it, as of an
    earlier version.

    Raises:
        UserError: there is no such release.
    """
    found = read(project)
    place = f"{found.release(champion.release).commit}:{found.git.prefix}{VERDICT}"
    (text,) = found.git.blobs([place])
    try:
        verdict = Verdict.of(parse_json(text or b"{}", Path(place)), Path(place))
    except UserError:
        return None
    if (rules := verdict.rules) is None:
        return None
    return Bar(
        gates=rules.gates,
        confidence=verdict.confidence,
        anchor_margin=rules.anchor_margin,
        further=list(rules.further),
        asked=rules.further,
    )


def named(model: str, project: Path = Path()) -> ChampionReport:
    """What reports/champion.json says that a model is to be compared with, if that is still so.

    Raises:
        UserError: the champion has changed since the file was written, or the file says otherwise than the
            releases what tasks are anchored to, or whether the model was rolled back.
    """
    report = ChampionReport.read(project / CHAMPION)
    still_champion(report.champion, model, CHAMPION, project)
    now = {"anchors": anchors(report.champion, project), "rolled_back": rolled_back(model, project)}
    for what, expected in now.items():
        if getattr(report, what) != expected:
            raise UserError(f"{CHAMPION}: its {what} are not what the releases say; run again")
    return report


def still_champion(named: Champion | None, model: str, file: Path, project: Path = Path()) -> Champion | None:
    """The champion that a file names, if a model is still to be compared with that.

    Raises:
        UserError: the champion has changed since the file was written.
    """
    if (now := champion(model, project)) != named:
        raise UserError(
            f"{file}: made against {describe(named)}, but the one to compare with is now {describe(now)}; "
            f"run again"
        )
    return named


def model_of(bento: Path) -> str:
    """The SHA-256 of a Bento's weights, as its card has it."""
    return BundleCard.read(bento / CARD).model.sha256


def _record(text: bytes | None, commit: str) -> ReleaseRecord:
    if text is None:
        raise UserError(
            f"commit {commit[:12]}: tagged as a release, but has no {RECORD}; `git fsck` may say more"
        )
    place = Path(f"{commit[:12]}:{RECORD}")
    return ReleaseRecord.of(parse_json(text, place), place)


def in_stage(found: list[Tag], stage: str) -> set[str]:
    """The commits whose versions are in a stage."""
    inside: set[str] = set()
    for tag in found:
        if tag.stage == stage:
            inside = inside - {tag.commit} if tag.left else inside | {tag.commit}
    return inside
