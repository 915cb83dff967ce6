"""One service that runs: it is told what to serve, and its workers say how that goes."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from datetime import UTC, datetime
from functools import reduce
from operator import add
from pathlib import Path

from components import params
from components.release import registry
from components.rollout.records import (
    FORGOTTEN,
    PLAN,
    SERVICES,
    WORKERS,
    Counts,
    Plan,
    TrialReport,
    WorkerReport,
)
from components.settings.rollout import Rollout
from flows.rollout import planning
from flows.rollout.planning import Decision


def open_folder(root: Path) -> Path:
    """A folder for a service that starts; those of services that have ended go."""
    (root / SERVICES).mkdir(parents=True, exist_ok=True)
    for folder in (root / SERVICES).iterdir():
        if not _is_alive(folder):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=(root / SERVICES).absolute(), prefix=f"{os.getpid()}-"))


def running(root: Path) -> list[list[WorkerReport]]:
    """What the workers of each service of this project say that runs on this machine."""
    folders = sorted((root / SERVICES).glob("*"))
    return [workers(folder) for folder in folders if _is_alive(folder)]


def workers(folder: Path) -> list[WorkerReport]:
    """What the workers of a service say."""
    return [WorkerReport.read(file) for file in sorted(folder.glob(WORKERS))]


def _is_alive(folder: Path) -> bool:
    newest = max((one.stat().st_mtime for one in (folder, folder / PLAN) if one.exists()), default=0.0)
    return time.time() - newest < FORGOTTEN


class Service:
    """Tells a service what to serve, and writes down what becomes of a trial."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        self._params: tuple[float, Rollout | None] = (-1.0, None)  # when they were written, what they say
        self._before = Counts()  # of the trial, by services before this one
        self._decision: Decision | None = None
        self._report: TrialReport | None = None

    def tell(self) -> Plan:
        """Write the plan, where it has changed, and that somebody is here.

        Raises:
            UserError: settings or releases cannot be read, or the bytes of a release cannot be had.
        """
        file, found = self.folder / PLAN, registry.read(self.root)
        decision = planning.decide(found, self._rollout(), self.root)
        if decision_key(decision) != decision_key(self._decision):
            planning.plan(found, decision).write(file)
            self._begin(decision)
        os.utime(file)
        return Plan.read(file)

    def hear(self) -> None:
        """Write down what the workers say of the trial, and whether it is over."""
        decision, report = self._decision, self._report
        if decision is None or report is None or decision.trial is None:
            return
        said = workers(self.folder)
        counts = reduce(add, (one.counts.get(report.candidate, Counts()) for one in said), self._before)
        refused = next(
            (one.refused[report.candidate] for one in said if report.candidate in one.refused), None
        )
        changed = report.model_copy(update={"counts": counts, "why": refused})
        judged = _judged(changed, decision.trial.requests)
        if judged != report:
            judged.write(planning.report_file(self.root, judged.candidate))
            self._report = judged

    def _begin(self, decision: Decision) -> None:
        """Go on with a trial, or begin one; what the workers of this service have counted stays theirs."""
        before, self._decision, self._report = self._report, decision, None
        if decision.candidate is not None:
            self._report = decision.report or planning.new_report(decision)
            if before is None or (before.candidate, before.began) != (
                self._report.candidate,
                self._report.began,
            ):
                self._before = self._report.counts.model_copy(deep=True)

    def _rollout(self) -> Rollout | None:
        """What the settings say; they are read when they have changed."""
        if not (self.root / params.PARAMS).is_file():
            return None
        written = (self.root / params.PARAMS).stat().st_mtime
        if written != self._params[0]:
            self._params = (written, params.load().rollout)
        return self._params[1]


def decision_key(decision: Decision | None) -> object:
    """Equal of decisions that lead to the same plan."""
    if decision is None:
        return None
    candidate = decision.candidate.version if decision.candidate else None
    return decision.first.version, candidate, decision.trial


def _judged(report: TrialReport, requests: int) -> TrialReport:
    """A trial's report with its end, if it has come to one; who has passed may yet fall back."""
    worse = report.counts.worse()
    seen = report.counts.compared if report.kind == "shadow" else report.counts.answered
    if worse is not None:
        ended = {"state": "fell back", "why": worse}
    elif report.state == "running" and seen >= requests:
        ended = {"state": "passed"}
    else:
        return report
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return report.model_copy(update={**ended, "ended": now})
