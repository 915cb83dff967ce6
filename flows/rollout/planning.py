"""From releases and settings to the plan of a service.

The champion answers. Where `rollout` asks for a trial, a candidate is tried beside the release that answers:
one that is named there; else a new champion itself, and until it has passed, the release before it answers. A
rollback is never tried: it takes over at once.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.errors import UserError
from components.evaluation.answers import ANSWERS, Answers
from components.release import dvc_cache, signing
from components.release.records import ReleaseRecord
from components.release.registry import BUNDLE, Registry, Release
from components.release.tags import Action, Tag
from components.rollout import kept
from components.rollout.records import TRIALS, Kind, Plan, Target, Trial, TrialReport
from components.settings.rollout import Canary, Rollout, Shadow

WITHDRAWN = "rollout in params.yaml asks for it no longer"  # why a trial was stopped that may go on again
BY: dict[Action, str] = {"release": "its release", "promote": "a promotion", "rollback": "a rollback"}


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
        return _kind(self.trial)


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
        report = _known(root, candidate.record, champion, 0, trial)
        over = report is not None and report.state == "fell back"
        return Decision(champion) if over else Decision(champion, candidate, trial, report)
    if found.moves[-1].action == "rollback" or (beside := _before(found, root)) is None:
        return Decision(champion)
    promotion = found.moves[-1].number
    report = _known(root, champion.record, beside, promotion, trial)
    if report is not None and report.state in ("passed", "fell back"):
        return Decision(champion if report.state == "passed" else beside)
    return Decision(beside, champion, trial, report, promotion)


def _named(found: Registry, trial: Shadow) -> Release:
    try:
        return found.release(trial.release or "")
    except UserError as error:
        raise UserError(f"params.yaml: rollout.{_kind(trial)}.release: {error}") from None


def _before(found: Registry, root: Path) -> Release | None:
    """The release that answered until the champion was promoted; None where that is the same, or none."""
    last = {move.of: move for move in found.moves[:-1]}  # what made it the champion
    for version in reversed(found.line[:-1]):
        if _answered_all(last[version], root):
            return found.release(version) if version != found.line[-1] else None
    return None


def _answered_all(move: Tag, root: Path) -> bool:
    """Whether who became the champion by this came to answer all: at once by a rollback, of which there is no
    trial, else unless it fell back or is yet to pass. A trial that the settings named it for tells nothing
    of that."""
    own = [root / TRIALS / f"{move.of}.json", *(root / TRIALS).glob(f"{move.of}.*.json")]
    reports = [TrialReport.read(file) for file in own if file.is_file()]
    since = [one for one in reports if one.promotion == move.number]
    return all(one.state == "passed" or one.why == WITHDRAWN for one in since)


def _known(
    root: Path, candidate: ReleaseRecord, beside: Release, promotion: int, trial: Shadow
) -> TrialReport | None:
    """What became of this very candidate beside this release, since this promotion; and while it goes on, in
    a trial of this kind."""
    file = report_file(root, candidate.version)
    if not file.is_file():
        return None
    report = TrialReport.read(file)
    same = (report.bundle, report.beside, report.promotion) == (candidate.bundle, beside.version, promotion)
    over = report.state in ("passed", "fell back")
    return report if same and (over or report.kind == _kind(trial)) else None


def _kind(trial: Shadow | None) -> Kind:
    return "canary" if isinstance(trial, Canary) else "shadow"


def report_file(root: Path, version: str) -> Path:
    """Where it is written down what became of a candidate."""
    return root / TRIALS / f"{version}.json"


def reports(root: Path) -> list[TrialReport]:
    """Of every trial that services here have taken part in, the oldest first.

    Raises:
        UserError: a report is torn, or of another version.
    """
    return sorted(map(TrialReport.read, (root / TRIALS).glob("v*.json")), key=lambda one: one.began)


def trials(found: Registry, root: Path) -> dict[str, list[TrialReport]]:
    """Version -> its trials, here and those that git tells of, the newest last.

    Raises:
        UserError: as `reports`.
    """
    own = {one.began: one for one in reports(root)}
    told = [one for of_version in kept.trials(found).values() for one in of_version]
    all_of_them = {one.began: one for one in told} | own
    by_version: dict[str, list[TrialReport]] = {}
    for began in sorted(all_of_them):
        by_version.setdefault(all_of_them[began].candidate, []).append(all_of_them[began])
    return by_version


def stop(decision: Decision, found: Registry, root: Path) -> None:
    """Write down of trials that were going on, and are not that of the decision, that they were stopped. A
    report that cannot be read keeps no release from answering."""
    goes_on = decision.report.began if decision.report and decision.candidate else None
    for file in (root / TRIALS).glob("v*.json"):
        with contextlib.suppress(UserError):
            report = TrialReport.read(file)
            if report.state == "running" and report.began != goes_on:
                _stopped(report, found).write(file)


def _stopped(report: TrialReport, found: Registry) -> TrialReport:
    move = found.moves[-1]
    moved = move.number != report.promotion if report.promotion else move.of != report.beside
    why = f"{move.of} became the champion by {BY[move.action]}" if moved else WITHDRAWN
    return report.model_copy(update={"state": "stopped", "why": why, "ended": now()})


def report_of(decision: Decision, root: Path) -> TrialReport | None:
    """That of the trial that goes on, or of one that begins now; None without one."""
    if decision.candidate is None or decision.trial is None:
        return None
    file = report_file(root, decision.candidate.version)
    found = decision.report
    if found is not None and found.state != "stopped":
        return found
    if found is not None:
        found = found.model_copy(update={"state": "running", "why": None, "ended": None})
    else:
        _put_aside(file)
        found = TrialReport(
            candidate=decision.candidate.version,
            bundle=decision.candidate.record.bundle,
            beside=decision.first.version,
            promotion=decision.promotion,
            kind=decision.kind,
            share=decision.trial.share,
            state="running",
            began=now(),
        )
    found.write(file)
    return found


def _put_aside(file: Path) -> None:
    """The report of an earlier trial of the same candidate is kept."""
    if file.is_file():
        file.rename(file.with_suffix(f".{kept.which(TrialReport.read(file))}.json"))


def now() -> str:
    """As reports say it."""
    return datetime.now(UTC).isoformat()


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
