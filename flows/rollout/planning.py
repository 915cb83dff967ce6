"""From releases and settings to the plan of a service.

The champion answers. Where `rollout` asks for a trial, a candidate is tried beside the release that answers:
one that is named there; else a new champion itself, and until it has passed, the release before it answers. A
rollback is never tried: it takes over at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.errors import UserError
from components.evaluation.answers import ANSWERS, Answers
from components.release import dvc_cache, signing
from components.release.records import ReleaseRecord
from components.release.registry import BUNDLE, Registry, Release
from components.rollout.records import TRIALS, Kind, Plan, Target, Trial, TrialReport
from components.settings.rollout import Canary, Rollout, Shadow


@dataclass(frozen=True)
class Decision:
    """Which release answers, and what is tried beside it."""

    first: Release
    candidate: Release | None = None
    trial: Shadow | None = None
    report: TrialReport | None = None  # of the trial, as far as it has come
    promotion: int = 0  # the number of the tag that made the candidate the champion, if it is

    @property
    def key(self) -> object:
        """Equal of decisions that lead to the same plan."""
        candidate = self.candidate.version if self.candidate else None
        return self.first.version, candidate, self.promotion, self.trial

    @property
    def kind(self) -> Kind:
        """Of the trial."""
        return "canary" if isinstance(self.trial, Canary) else "shadow"


def decide(found: Registry, rollout: Rollout | None, root: Path) -> Decision:
    """What is to be served.

    Raises:
        UserError: nothing has been released, or there is no release of the settings' version.
    """
    if found.champion is None:
        raise UserError("nothing has been released yet; run `onetrunk run`, or name a Bento with --bento")
    champion, trial = found.champion, (rollout.canary or rollout.shadow) if rollout else None
    if trial is None:
        return Decision(champion)
    candidate = champion if trial.release is None else _named(found, trial)
    if candidate.version != champion.version:
        report = _known(root, candidate.record, champion, 0)
        over = report is not None and report.state == "fell back"
        return Decision(champion) if over else Decision(champion, candidate, trial, report)
    beside = _before(found, root)
    if beside is None or found.moves[-1].action == "rollback":
        return Decision(champion)
    promotion = found.moves[-1].number
    report = _known(root, champion.record, beside, promotion)
    if report is not None and report.state != "running":
        return Decision(champion if report.state == "passed" else beside)
    return Decision(beside, champion, trial, report, promotion)


def _named(found: Registry, trial: Shadow) -> Release:
    try:
        return found.release(trial.release or "")
    except UserError as error:
        kind = "canary" if isinstance(trial, Canary) else "shadow"
        raise UserError(f"params.yaml: rollout.{kind}.release: {error}") from None


def _before(found: Registry, root: Path) -> Release | None:
    """The champion before this one that may answer: not one that fell back, or is yet to pass."""
    for version in reversed(found.line[:-1]):
        file = report_file(root, version)
        if not file.is_file() or TrialReport.read(file).state == "passed":
            return found.release(version)
    return None


def _known(root: Path, candidate: ReleaseRecord, beside: Release, promotion: int) -> TrialReport | None:
    """What became of this very candidate beside this release, since this promotion."""
    file = report_file(root, candidate.version)
    if not file.is_file():
        return None
    report = TrialReport.read(file)
    same = (report.bundle, report.beside, report.promotion) == (candidate.bundle, beside.version, promotion)
    return report if same else None


def report_file(root: Path, version: str) -> Path:
    """Where it is written down what became of a candidate."""
    return root / TRIALS / f"{version}.json"


def reports(root: Path, versions: Iterable[str]) -> dict[str, TrialReport]:
    """What became of those of some releases that were tried, by version.

    Raises:
        UserError: a report is torn, or of another version.
    """
    files = {version: report_file(root, version) for version in versions}
    return {version: TrialReport.read(file) for version, file in files.items() if file.is_file()}


def report_of(decision: Decision, root: Path) -> TrialReport | None:
    """That of the trial that goes on, or of one that begins now; None without one."""
    if decision.candidate is None or decision.trial is None:
        return None
    if decision.report is not None:
        return decision.report
    found = TrialReport(
        candidate=decision.candidate.version,
        bundle=decision.candidate.record.bundle,
        beside=decision.first.version,
        promotion=decision.promotion,
        kind=decision.kind,
        share=decision.trial.share,
        state="running",
        began=datetime.now(UTC).isoformat(),
    )
    found.write(report_file(root, found.candidate))
    return found


def plan(found: Registry, decision: Decision, report: TrialReport | None) -> Plan:
    """The plan of a service. Every byte of what it names is checked, and its signature.

    Raises:
        UserError: the bytes of a release cannot be had, or are others.
    """
    champion = target(found, decision.first)
    if decision.candidate is None or decision.trial is None or report is None:
        return Plan(champion=champion)
    trial = Trial(
        kind=decision.kind,
        target=target(found, decision.candidate),
        began=report.began,
        share=decision.trial.share,
        disagreement=decision.trial.disagreement,
        key=decision.trial.key if isinstance(decision.trial, Canary) else None,
    )
    return Plan(champion=champion, trial=trial)


def target(found: Registry, release: Release) -> Target:
    """A release as a service loads it.

    Raises:
        UserError: as `plan`.
    """
    folder = found.folder(release)
    signing.check(folder, found.git.project)
    bundle = (folder / BUNDLE).absolute()
    return Target(release=release.version, bundle=str(bundle), expected=_expected(found, release).tasks)


def _expected(found: Registry, release: Release) -> Answers:
    """What a release answered before it was released, by DVC's cache; nothing where that does not know it. A
    release by force was asked as well, but its dvc.lock is of the stages before it."""
    (lock,) = found.git.blobs([f"{release.commit}:{found.git.prefix}{dvc_cache.LOCK}"])
    oid = dvc_cache.recorded(lock or b"", str(ANSWERS)) if release.record.forced is None else None
    file = dvc_cache.file_of(dvc_cache.place(found.git.project), oid) if oid else None
    if file is None or not file.is_file():
        return Answers(tasks={})
    return Answers.read(file)
