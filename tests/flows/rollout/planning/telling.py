"""What a service is told, and what its workers report."""

from __future__ import annotations

from pathlib import Path

from components.release import registry
from components.rollout.records import Counts, TrialReport, WorkerReport
from components.settings.rollout import Rollout
from flows.rollout import planning
from flows.rollout.planning import decide
from flows.rollout.service import Service

CANARY = Rollout.model_validate({"canary": {"share": 0.1, "requests": 50}})


def versions(project: Path, rollout: Rollout | None = CANARY) -> tuple[str, str | None]:
    """Which release answers, and which is tried."""
    found = decide(registry.read(project), rollout, project)
    return found.first.version, found.candidate.version if found.candidate else None


def said(service: Service, number: int, counts: Counts, **more: object) -> None:
    """What one of its workers says."""
    began = report(service.root).began
    report_ = WorkerReport(serving="v1.0.0", trying="v1.0.1", counts={began: counts})
    report_.model_copy(update=more).write(service.folder / f"worker-{number}.json")


def report(project: Path) -> TrialReport:
    return TrialReport.read(planning.report_file(project, "v1.0.1"))


def bad(rounds: int) -> Counts:
    counts = Counts(answered=10)
    for _ in range(rounds):
        counts.tests["errors"].add(1.0, 0.1)
    return counts


def begun(project: Path, service: Service, counts: Counts) -> None:
    """A trial that goes on, of which this was seen."""
    service.tell()
    said(service, 1, counts)
    service.hear()
