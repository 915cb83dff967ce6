"""One service that runs: it is told what to serve, and its workers say how that goes."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import time
from collections import Counter
from functools import partial, reduce
from operator import add
from pathlib import Path

from components.errors import UserError
from components.release import registry
from components.rollout import kept
from components.rollout.history import HISTORY, History
from components.rollout.mark import deaths
from components.rollout.records import (
    FORGOTTEN,
    PLAN,
    SERVICES,
    TRIALS,
    WORKERS,
    Counts,
    Plan,
    Target,
    TrialReport,
    WorkerReport,
)
from components.settings.rollout import Rollout
from components.turn import turn
from flows.rollout import planning
from flows.rollout.history import history
from flows.rollout.patience import Patience

LOCK = TRIALS / ".lock"  # held by whoever reads and writes what becomes of trials
LOG = logging.getLogger("onetrunk.rollout")
BEGAN = "began.json"  # of a service: its first plan. In that Bento is the code of its workers while it runs
UNREAD = -1.0  # of settings, when they were written
SHOWN = 10.0  # seconds from one history to the next


def open_folder(root: Path) -> Path:
    """A folder for a service that starts; those of services that have ended go, when their last words on a
    trial are written down."""
    (root / SERVICES).mkdir(parents=True, exist_ok=True)
    for folder in (root / SERVICES).iterdir():
        if not _is_alive(folder):
            _last_words(root, folder)
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=(root / SERVICES).absolute(), prefix=f"{os.getpid()}-"))


def running(root: Path) -> list[list[WorkerReport]]:
    """What the workers of each service of this project say that runs on this machine."""
    import psutil

    folders = [folder for folder in sorted((root / SERVICES).glob("*")) if _is_alive(folder)]
    alive = [
        [file for file in _files(folder) if psutil.pid_exists(int(file.stem.split("-")[1]))]
        for folder in folders
    ]
    return [list(map(WorkerReport.read, files)) for files in alive]


def _last_words(root: Path, folder: Path) -> None:
    """Write down what the workers of a service that has ended had seen of a trial that goes on. Those that
    ended with it have not died of the candidate: somebody has killed them all."""
    with contextlib.suppress(UserError):  # it is of another version
        if not (folder / PLAN).is_file() or (trial := Plan.read(folder / PLAN).trial) is None:
            return
        with turn(root / LOCK):
            file = planning.report_file(root, trial.target.release)
            known = TrialReport.read(file) if file.is_file() else None
            if known and (known.began, known.state) == (trial.began, "running"):
                outlived = known.counts.get(folder.name, Counts()).died
                _heard(folder, known, outlived).write(file)


def in_use(root: Path) -> set[str]:
    """The versions that services of this project on this machine answer with, try, or have started with."""
    files = [folder / PLAN for folder in (root / SERVICES).glob("*") if _is_alive(folder)]
    plans = [Plan.read(file) for file in files if file.is_file()]
    tried = {plan.trial.target.release for plan in plans if plan.trial}
    plans += [began for file in files if (began := _began(file.parent))]
    return {plan.champion.release for plan in plans} | tried


def _began(folder: Path) -> Plan | None:
    """What a service was to serve when it started; None where that cannot be read."""
    with contextlib.suppress(UserError):
        return Plan.read(folder / BEGAN)
    return None


def _files(folder: Path) -> list[Path]:
    """One for each worker of a service, those that have ended among them."""
    return sorted(folder.glob(WORKERS))


def _is_alive(folder: Path) -> bool:
    """A service of another machine, which shares this folder, is known by its plan alone. One of this machine
    may have a plan that is old, while its settings cannot be read, say, or a release comes from afar."""
    newest = max((one.stat().st_mtime for one in (folder, folder / PLAN) if one.exists()), default=0.0)
    return time.time() - newest < FORGOTTEN or _runs(folder.name.partition("-")[0], newest)


def _runs(number: str, since: float) -> bool:
    """Whether the process of this number runs, and did so then: another may have it by now."""
    import psutil

    try:
        process = psutil.Process(int(number))
        return bool(process.create_time() < since + 1 and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, ValueError):  # or no folder of a service
        return False


class Service:
    """Tells a service what to serve, and writes down what becomes of a trial. Several services of a project
    may take part in one."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        self._params: tuple[float, Rollout | None] = (UNREAD, None)  # when they were written, what they say
        self._key: object = None  # of the decision that it was told
        self._plan: Plan | None = None  # of this decision
        self._requests = 0  # after which the trial has passed
        self._report: TrialReport | None = None  # of the trial
        self._dead: Counter[str] = Counter()  # at the last look: trial -> workers that have died of it
        self._history: History | None = None  # that its page shows
        self._kept: set[str] = set()  # of the ends of trials, those that git knows
        self._shown: tuple[object, float] | None = None  # the decision of then, and when
        self._keeping = Patience("what became of a trial is not in git yet")
        self._restoring = Patience("a worker that starts anew cannot load what it is to answer with")
        self._showing = Patience("the operator's page shows what it did")

    def tell(self) -> Plan:
        """Write the plan, where it has changed.

        Raises:
            UserError: settings or releases cannot be read, or the bytes of a release cannot be had.
        """
        file, found, rollout = self.folder / PLAN, registry.read(self.root), self._rollout()
        tries = rollout is not None or (self.root / TRIALS).is_dir()
        with turn(self.root / LOCK) if tries else contextlib.nullcontext():
            decision = planning.decide(found, rollout, self.root)
            if self._plan is None or decision.key != self._key:
                planning.stop(decision, found, self.root)
                report = planning.report_of(decision, self.root)
                self._plan = planning.plan(found, decision, report)
                self._key, self._report = decision.key, report
                self._requests = decision.trial.requests if decision.trial else 0
        if not _is_there(self._plan):
            self._restoring.attempt(partial(planning.plan, found, decision, self._report))
        if (began := _began(self.folder)) and not _is_there(began):
            self._restoring.attempt(lambda: planning.target(found, found.release(began.champion.release)))
        if not _says(file, self._plan):
            self._plan.write(file)
        return self._plan

    def begin(self) -> Target:
        """What it is to start with.

        Raises:
            UserError: as `tell`.
        """
        first = self.tell().champion
        Plan(champion=first).write(self.folder / BEGAN)
        return first

    def hear(self) -> None:
        """Write down what the workers say of the trial, and whether it is over; and then, that somebody has
        heard them. A death counts when the service has outlived it by a look: where all are killed
        together, some go first."""
        outlived, self._dead = self._dead, deaths(self.folder)
        if self._report is not None:
            with turn(self.root / LOCK):
                self._judge(self._report, outlived[self._report.began])
        os.utime(self.folder / PLAN)

    def _judge(self, report: TrialReport, died: int) -> None:
        file = planning.report_file(self.root, report.candidate)
        known = TrialReport.read(file) if file.is_file() else report
        if known.began != report.began or known.state in ("fell back", "stopped"):
            return
        judged = _judged(_heard(self.folder, known, died), self._requests)
        if judged == known:
            return
        judged.write(file)
        if judged.total.died > known.total.died:
            LOG.error("%s: a worker has died while it was at work in it", report.candidate)
        if judged.state != known.state:
            say = LOG.error if judged.state == "fell back" else LOG.info
            say("%s: %s", report.candidate, judged.said)

    def keep(self) -> None:
        """Write down in git what became of trials. Where git refuses, their reports keep it meanwhile.

        Raises:
            UserError: a report cannot be read.
        """
        ended = {kept.which(one): one for one in planning.reports(self.root) if one.ended}
        if ended.keys() - self._kept:
            self._keeping.attempt(partial(self._keep, ended))

    def _keep(self, ended: dict[str, TrialReport]) -> None:
        kept.keep(registry.read(self.root), ended.values())
        self._kept |= ended.keys()

    def show(self) -> None:
        """Write down what the project knows, for the page of the service's operator: when another release is
        to answer, and from time to time."""
        key, when = self._shown or (None, -SHOWN)
        if key != self._key or time.monotonic() - when >= SHOWN:
            self._showing.attempt(self._show)

    def _show(self) -> None:
        found = history(registry.read(self.root), self.root)
        if found != self._history:
            found.write(self.folder / HISTORY)
            self._history = found
        self._shown = self._key, time.monotonic()

    def _rollout(self) -> Rollout | None:
        """What the settings say; they are read when they have changed. A mistake in them is said once, and
        what they said before holds: a rollback is not to wait for whoever mends it.

        Raises:
            UserError: they have a mistake, since this look or since the first one.
        """
        from components.params import PARAMS  # which leads to all families, and who asks for the status waits
        from components.release.sections import section

        (written, known), now = self._params, _written(self.root / PARAMS)
        if now != written:
            if written != UNREAD:
                self._params = (now, known)
            self._params = (now, section(self.root, Rollout, "rollout"))
        return self._params[1]


def _written(file: Path) -> float:
    """When; 0 of one that is not there, as while an editor writes another in its place."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _is_there(plan: Plan) -> bool:
    """Whether the folders of its releases are: somebody may have removed them to make room."""
    targets = [plan.champion, *([plan.trial.target] if plan.trial else [])]
    return all(Path(one.bundle).is_dir() for one in targets)


def _says(file: Path, plan: Plan) -> bool:
    """Whether the file is this plan: somebody may have tidied it up, torn it, or written into it."""
    try:
        return Plan.read(file) == plan
    except UserError:
        return False


def _heard(folder: Path, report: TrialReport, died: int) -> TrialReport:
    """A report with what the workers of a service say, and how many of them have died of the candidate."""
    said = [WorkerReport.read(file) for file in _files(folder)]
    own = reduce(add, (one.counts.get(report.began, Counts()) for one in said), Counts())
    own.died = died
    why = next(filter(None, (one.refused.get(report.candidate) for one in said)), None)
    return report.model_copy(update={"counts": {**report.counts, folder.name: own}, "why": why})


def _judged(report: TrialReport, requests: int) -> TrialReport:
    """A trial's report with its end, if it has come to one; who has passed may yet fall back."""
    worse = report.total.worse()
    seen = report.total.compared if report.kind == "shadow" else report.total.answered
    if worse is not None:
        ended = {"state": "fell back", "why": worse}
    elif report.state == "running" and seen >= requests:
        ended = {"state": "passed"}
    else:
        return report
    return report.model_copy(update={**ended, "ended": planning.now()})
