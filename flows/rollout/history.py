"""From releases, trials and judged traffic to what the page of a service's operator shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from components.release import dvc_cache
from components.release.registry import Registry, Release
from components.release.tags import Tag
from components.rollout import page
from components.rollout.history import MOST, Drift, History, Reign, Tried
from components.rollout.records import TRIALS, TrialReport
from flows.rollout import planning

Trials = Mapping[str, Sequence[TrialReport]]  # of a version
PAGE = "reports/evaluation.html"  # what `evaluate` writes for people


def history(found: Registry, root: Path) -> History:
    """What the project knows now.

    Raises:
        UserError: a release, a trial's report or a judgement cannot be read.
    """
    trials = planning.trials(found, root)
    return History(champions=_champions(found, root, trials), trials=_trials(trials), drift=_drift(root))


def _champions(found: Registry, root: Path, trials: Trials) -> list[Reign]:
    moves = found.moves[: -MOST - 1 : -1]
    releases = {one.version: one for one in found.releases(sorted({move.of for move in moves}))}
    evaluated = _reports(found, [release.commit for release in releases.values()])
    reports = {
        version: _page(root, version, evaluated[release.commit], tuple(trials.get(version, ())))
        for version, release in releases.items()
        if release.commit in evaluated
    }
    return [_reign(move, releases[move.of], reports.get(move.of)) for move in moves]


def _page(root: Path, version: str, evaluated: Path, trials: tuple[TrialReport, ...]) -> Path:
    """The page of a release's evaluation; with what became of its trials, where some have ended."""
    ended = [one.model_dump_json() for one in trials if one.ended]
    return _with_trials(root / TRIALS / f"{version}.html", evaluated, tuple(ended)) if ended else evaluated


@lru_cache(maxsize=2 * MOST)
def _with_trials(target: Path, evaluated: Path, trials: tuple[str, ...]) -> Path:
    page.write(target, evaluated, [*map(TrialReport.model_validate_json, trials)])
    return target


def _reign(move: Tag, release: Release, file: Path | None) -> Reign:
    return Reign(
        release=move.of,
        since=datetime.fromtimestamp(move.when, UTC).isoformat(),
        action=move.action,
        why=move.why,
        verdict=release.record.judged,
        because=release.record.because,
        report=str(file.absolute()) if file else None,
    )


def _reports(found: Registry, commits: list[str]) -> dict[str, Path]:
    """commit -> the page of its evaluation, where DVC's cache has it."""
    locks = found.git.blobs([f"{commit}:{found.git.prefix}{dvc_cache.LOCK}" for commit in commits])
    cache = dvc_cache.place(found.git.project)
    named = {commit: _recorded(lock or b"") for commit, lock in zip(commits, locks, strict=True)}
    files = {commit: dvc_cache.file_of(cache, oid) for commit, oid in named.items() if oid}
    return {commit: file for commit, file in files.items() if file.is_file()}


@lru_cache(maxsize=2 * MOST)
def _recorded(lock: bytes) -> str | None:
    return dvc_cache.recorded(lock, PAGE)


def _trials(trials: Trials) -> list[Tried]:
    known = [one for of_version in trials.values() for one in of_version]
    return [_tried(one) for one in sorted(known, key=lambda one: one.began, reverse=True)[:MOST]]


def _tried(report: TrialReport) -> Tried:
    total = report.total
    return Tried(
        release=report.candidate,
        beside=report.beside,
        kind=report.kind,
        share=report.share,
        state=report.state,
        why=report.why,
        began=report.began,
        answered=total.answered,
        compared=total.compared,
        differ=total.differ,
    )


def _drift(root: Path) -> list[Drift]:
    from components.monitoring.traffic.judging import judgements  # the arithmetic is heavy

    return [
        Drift(
            **window.model_dump(include={"first", "last", "release", "texts", "alarm", "p", "worse"}),
            moved=[one.words for one in window.shifted],
        )
        for _, window in judgements(root)[: -MOST - 1 : -1]
    ]
