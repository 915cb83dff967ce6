"""From releases, trials and judged traffic to what the page of a service's operator shows."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from components.release import dvc_cache
from components.release.registry import Registry, Release
from components.release.tags import Tag
from components.rollout.history import MOST, Drift, History, Reign, Tried
from components.rollout.records import TRIALS, TrialReport

PAGE = "reports/evaluation.html"  # what `evaluate` writes for people


def history(found: Registry, root: Path) -> History:
    """What the project knows now.

    Raises:
        UserError: a release, a trial's report or a judgement cannot be read.
    """
    return History(champions=_champions(found), trials=_trials(root), drift=_drift(root))


def _champions(found: Registry) -> list[Reign]:
    moves = found.moves[: -MOST - 1 : -1]
    releases = {one.version: one for one in found.releases(sorted({move.of for move in moves}))}
    reports = _reports(found, [release.commit for release in releases.values()])
    return [_reign(move, releases[move.of], reports) for move in moves]


def _reign(move: Tag, release: Release, reports: dict[str, Path]) -> Reign:
    file = reports.get(release.commit)
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


def _trials(root: Path) -> list[Tried]:
    reports = map(TrialReport.read, (root / TRIALS).glob("v*.json"))
    return [_tried(one) for one in sorted(reports, key=lambda one: one.began, reverse=True)[:MOST]]


def _tried(report: TrialReport) -> Tried:
    total = report.total
    mean = total.tests["disagreement"].mean
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
        differ=None if mean is None or math.isnan(mean) else mean,
    )


def _drift(root: Path) -> list[Drift]:
    from components.monitoring.traffic.judging import judgements  # the arithmetic is heavy

    return [
        Drift(
            **window.model_dump(include={"first", "last", "release", "texts", "alarm", "p", "worse"}),
            moved=[one.words for one in window.moved if one.subject not in window.worse],
        )
        for _, window in judgements(root)[: -MOST - 1 : -1]
    ]
