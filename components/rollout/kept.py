"""What became of trials, kept in git beside the releases that were tried.

A trial ends long after its release was made, whose commit, bytes and signature stay as they are. So what it
came to is an annotated tag of its own on the commit of the release, which travels as the others do. A machine
that only serves may not be allowed to write one; what it has found stays in its file until somebody may.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from components.errors import UserError
from components.files import parse_json
from components.release import tags
from components.release.git import turn
from components.release.registry import Registry
from components.rollout.records import TrialReport

DIGITS = 8  # of the digest that tells a trial's ends apart
ALL = "all"  # services


def keep(found: Registry, reports: Iterable[TrialReport]) -> None:
    """Write down those that have ended, where they are not yet.

    Raises:
        UserError: git refuses.
    """
    ended = {_name(found, one): one for one in reports if one.ended and one.candidate in found.versions}
    with turn(found.git) as mine:
        missing = ended.keys() - tags.trials(found.git).keys()
        if missing:
            mine.create({f"refs/tags/{name}": _tag(found, name, ended[name]) for name in sorted(missing)})


def trials(found: Registry) -> dict[str, list[TrialReport]]:
    """What is kept: version -> its trials, the newest last, of each what it came to last."""
    told = [
        report
        for name, (commit, body) in tags.trials(found.git).items()
        if (report := _read(name, body)) and found.versions.get(report.candidate) == commit
    ]
    last = {one.began: one for one in sorted(told, key=lambda one: one.ended or "")}
    said: dict[str, list[TrialReport]] = {}
    for began in sorted(last):
        said.setdefault(last[began].candidate, []).append(last[began])
    return said


def which(report: TrialReport) -> str:
    """Tells a trial's ends, and those of other trials of the same version, apart."""
    return hashlib.sha256(f"{report.began} {report.ended}".encode()).hexdigest()[:DIGITS]


def _name(found: Registry, report: TrialReport) -> str:
    record = found.release(report.candidate).record
    return tags.trial_name(found.git, record.name, report.candidate, which(report))


def _tag(found: Registry, name: str, report: TrialReport) -> str:
    subject = f"trial of {report.candidate}: {report.said}"
    whole = report.model_copy(update={"counts": {ALL: report.total}})
    commit = found.versions[report.candidate]
    return tags.write(found.git, name, commit, int(time.time()), subject, whole.model_dump_json(indent=2))


def _read(name: str, body: str) -> TrialReport | None:
    """None of a tag that is not ours, or of another version; a trial that goes on has none."""
    try:
        found = TrialReport.of(parse_json(body, Path(name)), Path(name))
    except UserError:
        return None
    return None if found.ended is None or found.state == "running" else found
