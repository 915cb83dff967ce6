"""Changes the release that a worker answers with, while it answers: as the plan of `onetrunk serve` says.

The other release is loaded beside the one that answers, every byte of it checked, and asked what it was asked
before it was released. Only then it takes over, between two requests. One that cannot be loaded, or does not
answer as it did, changes nothing but the log and a metric.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import threading
import time
import weakref
from pathlib import Path

from components.errors import UserError
from components.evaluation.answers import Exchange, rounded
from components.release.variables import ROLLOUT
from components.rollout.agreement import is_near
from components.rollout.records import FORGOTTEN, PLAN, WORKERS, Counts, Plan, Target, Trial, WorkerReport
from serving.bundle import PACKED, Served
from serving.loaded import Loaded
from serving.releases import Releases
from serving.requests import Item
from serving.trial import Trying
from serving.watch import metrics

SECONDS = 0.5  # between two looks at the plan
LOG = logging.getLogger("bentoml")


def first() -> Loaded:
    """The release that a worker begins with: that of the plan; the packed one where there is none, or where
    that cannot be loaded: a worker that died of it would only be started again."""
    folder = os.environ.get(ROLLOUT)
    try:
        if folder:
            return load(Plan.read(Path(folder) / PLAN).champion)
    except Exception as error:
        LOG.error("the release that is packed beside the code answers, not that of the plan: %s", error)
    return Loaded(PACKED, metrics().of_pass)


def load(target: Target) -> Loaded:
    """Load a release and ask it its questions.

    Raises:
        UserError: it is damaged, or does not answer as it did.
    """
    loaded = Loaded(_served(target), metrics().of_pass)
    try:
        ask(loaded, target)
    except BaseException:
        loaded.batcher.close()
        raise
    return loaded


def ask(loaded: Loaded, target: Target) -> None:
    """Ask a release that nobody else asks yet what it was asked before it was released.

    Raises:
        UserError: a task does not answer, or not as it did.
    """
    examples = {head: task.example for head, task in loaded.served.card.tasks.items() if task.example}
    for head, example in examples.items():
        known = target.expected.get(head, Exchange(question=example, answer={}))
        (answers,) = loaded.batcher.predictor.predict([Item.model_validate(known.question)], [head])
        found = rounded(answers[head].model_dump())
        if known.answer and not is_near(known.answer, found):
            raise UserError(
                f"release {target.release}: task '{head}' answers its example with {found!s:.200}, expected "
                f"{known.answer!s:.200}, as before it was released"
            )


def begin(releases: Releases) -> Rollover | None:
    """Follow the plan, where there is one."""
    folder = os.environ.get(ROLLOUT)
    if not folder:
        return None
    found = Rollover(releases, Path(folder))
    found.start()
    return found


class Rollover:
    """Follows the plan, in a thread of its own."""

    def __init__(self, releases: Releases, folder: Path) -> None:
        """`folder` is of the service: the plan is in it, and what each worker says."""
        self.releases, self.folder = releases, folder
        self.counts: dict[str, Counts] = {}  # by when the trial began
        self.refused: dict[str, str] = {}  # version -> why it is not loaded
        self._plan: Plan | None = None
        self._written = 0.0  # when, seconds since 1970
        self._leaving: list[weakref.ref[Loaded]] = []
        self._said: WorkerReport | None = None
        self._ended = threading.Event()

    def start(self) -> None:
        """Follow it from now on."""
        threading.Thread(target=self._follow, name="rollover", daemon=True).start()

    def stop(self) -> None:
        """Follow it no more."""
        self._ended.set()

    def _follow(self) -> None:
        said = ""
        while not self._ended.wait(SECONDS):
            said = self.look_safely(said)

    def look_safely(self, said: str) -> str:
        """`look`, whatever goes wrong; a sentence that was `said` before is not said again."""
        try:
            self.look()
        except Exception as error:
            if str(error) != said:
                LOG.error(
                    "this worker goes on with the release that it has: %s",
                    error,
                    exc_info=None if isinstance(error, UserError) else error,
                )
            return str(error)
        return ""

    def look(self) -> None:
        """Change what answers where the plan has changed, and say how it is."""
        file = self.folder / PLAN
        written = file.stat().st_mtime
        if written != self._written and (plan := Plan.read(file)) != self._plan:
            self._plan = plan
            self._change(plan)
        self._written = written
        if self.releases.trying and time.time() - written > FORGOTTEN:
            LOG.error("nobody watches over the trial any more, so it ends; start `onetrunk serve` anew")
            self._put(self.releases.first, None)
            self._plan = None  # until somebody does again
        self._give_back()
        self._say()

    def _change(self, plan: Plan) -> None:
        self.refused.clear()
        before = self.releases.first
        first = self._have(plan.champion) or before
        trying = None
        if plan.trial is not None and first.served == _served(plan.champion):
            trying = self._trying(plan.trial)
        self._put(first, trying)
        if first is not before:
            LOG.info("release %s answers now, no longer %s", first.served.name, before.served.name)
            metrics().changes.labels("changed").inc()

    def _trying(self, trial: Trial) -> Trying | None:
        """The trial that goes on, or a new one; None where its candidate cannot be loaded."""
        now = self.releases.trying
        if isinstance(now, Trying) and now.trial == trial:
            return now
        candidate = self._have(trial.target)
        counts = self.counts.setdefault(trial.began, Counts())
        return None if candidate is None else Trying(trial, candidate, self.releases, counts)

    def _put(self, first: Loaded, trying: Trying | None) -> None:
        before = self.releases.all()
        self.releases.change(first, trying)
        self._leaving += [weakref.ref(one) for one in before if one not in self.releases.all()]
        for part, ones in (("first", [first]), ("trial", [trying.candidate] if trying else [])):
            for one in before:
                metrics().serving.labels(one.served.name, part).set(0)
            for one in ones:
                metrics().serving.labels(one.served.name, part).set(1)

    def _have(self, target: Target) -> Loaded | None:
        """A release in memory, loaded now where it is not there yet; None where it cannot be."""
        for one in self.releases.all():
            if one.served == _served(target):
                return one
        try:
            return load(target)
        except BaseException as error:  # a panic of the tokenizer's Rust is none of `Exception`
            self._refuse(target, error)
            return None

    def _refuse(self, target: Target, error: BaseException) -> None:
        why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        self.refused[target.release] = why
        metrics().changes.labels("refused").inc()
        goes_on = self.releases.first.served.name
        LOG.error("release %s is not loaded, and %s goes on: %s", target.release, goes_on, why)

    def _give_back(self) -> None:
        """Let the system have the memory of what has gone."""
        left = [one for one in self._leaving if one() is not None]
        if len(left) < len(self._leaving):
            with contextlib.suppress(AttributeError, OSError):  # a C library of another kind
                ctypes.CDLL(None).malloc_trim(0)
        self._leaving = left

    def _say(self) -> None:
        """Write down how it is, for `onetrunk serve`."""
        trying = self.releases.trying
        said = WorkerReport(
            serving=self.releases.first.served.name,
            trying=trying.candidate.served.name if trying else None,
            refused=dict(self.refused),
            counts={name: counts.model_copy(deep=True) for name, counts in self.counts.items()},
        )
        if said != self._said:
            said.write(self.folder / WORKERS.replace("*", str(os.getpid())))
            self._said = said


def _served(target: Target) -> Served:
    return Served(Path(target.bundle), target.release)
