"""Changes the release that a worker answers with, while it answers: as the plan of `onetrunk serve` says.

The other release is loaded beside the one that answers, every byte of it checked, and asked what it was asked
before it was released. Only then it takes over, between two requests. One that cannot be loaded, or does not
answer as it did, changes nothing but the log and a metric.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

from components.errors import UserError, disk_sentence
from components.release.variables import ROLLOUT
from components.rollout.mark import Mark
from components.rollout.records import FORGOTTEN, PLAN, WORKERS, Counts, Plan, Target, Trial, WorkerReport
from serving import group
from serving.bundle import PACKED
from serving.loaded import Loaded
from serving.loading import UnwantedError, alone, begin_trial, load, load_champion, served
from serving.releases import Releases
from serving.trial import Trying
from serving.watch import metrics

SECONDS = 0.5  # between two looks at the plan
AGAIN, LONGEST = 60.0, 3600.0  # seconds to the next attempt at a release; each time twice as many
LOG = logging.getLogger("bentoml")


def first() -> Loaded:
    """The release that a worker begins with: that of the plan; where it cannot be loaded, what the workers of
    this service have answered with last; and the packed one else: a worker that died of it would only be
    started again."""
    folder, why = os.environ.get(ROLLOUT), ""
    for target in _to_begin_with(Path(folder)) if folder else ():
        try:
            return _begun(load_champion(target, Path(folder or "")), why)
        except Exception as error:
            why = why or str(error)
    return _begun(Loaded(PACKED, metrics().of_pass), why or ("it cannot be read" if folder else ""))


def _begun(loaded: Loaded, why_not: str) -> Loaded:
    if why_not:
        LOG.error("release %s answers, not that of the plan: %s", loaded.served.name, why_not)
    return loaded


def _to_begin_with(folder: Path) -> Iterator[Target]:
    """The plan's release, and others that workers have answered with, the last one first."""
    found: list[Target] = []
    with contextlib.suppress(UserError, OSError):
        found.append(Plan.read(folder / PLAN).champion)
    yield from found
    for file in sorted(folder.glob(WORKERS), key=lambda one: -one.stat().st_mtime):
        with contextlib.suppress(UserError, OSError):
            said = WorkerReport.read(file)
            if said.bundle and said.bundle not in {one.bundle for one in found}:
                found.append(Target(release=said.serving, bundle=said.bundle))
                yield found[-1]


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
        self._heard = -math.inf  # when that was seen to change, by a clock that nobody sets
        self._mute = False  # it could not write down how it is
        self._missed = False  # it was said that nobody tells what to serve
        self._loading: Mark | None = None  # of the candidate that it has begun to load last
        self._pause, self._due = 0.0, math.inf  # before a release that was refused is loaded again, and when
        self._leaving: list[weakref.ref[Loaded]] = []
        self._said: WorkerReport | None = None
        self._ended = threading.Event()

    def start(self) -> None:
        """Follow it from now on."""
        threading.Thread(target=self._follow, name="rollover", daemon=True).start()

    def stop(self) -> None:
        """Follow it no more; what becomes of the worker now is none of the candidate's doing."""
        self._ended.set()
        if self._loading is not None:
            self._loading.end()
        if isinstance(trying := self.releases.trying, Trying):
            trying.mark.end()

    def _follow(self) -> None:
        said = ""
        while not self._ended.wait(SECONDS):
            said = self.look_safely(said)

    def look_safely(self, said: str) -> str:
        """`look`, whatever goes wrong; a sentence that was `said` before is not said again."""
        try:
            self.look()
        except Exception as error:
            sentence = disk_sentence(error) or str(error)
            expected = isinstance(error, UserError) or sentence != str(error)
            if sentence != said:
                LOG.error(
                    "this worker goes on with the release that it has: %s",
                    sentence,
                    exc_info=None if expected else error,
                )
            return sentence
        return ""

    def look(self) -> None:
        """Change what answers where the plan has changed, and say how it is."""
        try:
            self._follow_plan()
        finally:  # a plan that is gone or torn is nobody's who hears what becomes of a trial
            if isinstance(trying := self.releases.trying, Trying):
                self._judge(trying, self._is_watched)
        self._miss()
        self._give_back()
        self._say()

    def _follow_plan(self) -> None:
        file = self.folder / PLAN
        written, due = file.stat().st_mtime, time.monotonic() >= self._due
        if written == self._written and not due:
            return
        plan = Plan.read(file)
        # the first one that a worker finds may be of somebody who has ended
        if self._written not in (0.0, written):
            self._heard = time.monotonic()
        if plan != self._plan or due:
            self._pause = self._pause if plan == self._plan else 0.0
            self._plan = plan
            self._change(plan, watched := self._is_watched)
            self._plan = plan if watched or plan.trial is None else None  # a trial begins when somebody does
            if file.stat().st_mtime != written:  # it was touched meanwhile: a large release takes its time
                self._heard = time.monotonic()
        self._written = written

    @property
    def follows(self) -> bool:
        """Whether somebody tells what to serve: whoever does touches the plan again and again."""
        return time.monotonic() - self._heard <= FORGOTTEN

    @property
    def _is_watched(self) -> bool:
        """Whether somebody hears what becomes of a trial."""
        return self.follows and not self._mute

    def _miss(self) -> None:
        """Say once that nobody tells what to serve any more: no rollback would reach this worker."""
        missed = self._heard > -math.inf and not self.follows
        if missed and not self._missed:
            LOG.error("nobody tells this worker any more what to serve; start `onetrunk serve` anew")
        self._missed = missed

    def _judge(self, trying: Trying, watched: bool) -> None:
        """End a trial here where this worker alone has seen enough, or nobody hears what it sees."""
        if (worse := trying.evidence.counts.worse()) is not None:
            LOG.error("the trial of %s ends in this worker: %s", trying.candidate.served.name, worse)
            self._put(self.releases.first, None)
        elif not watched:
            LOG.error("nobody watches over the trial any more, so it ends; start `onetrunk serve` anew")
            self._end_trial()

    def _end_trial(self) -> None:
        """Until somebody watches over it again."""
        if self.releases.trying:
            self._put(self.releases.first, None)
        self._plan = None

    def _change(self, plan: Plan, watched: bool) -> None:
        self.refused.clear()
        before = self.releases.first
        first = self._champion(plan.champion) or before
        trying = None
        if plan.trial is not None and watched and first.served == served(plan.champion):
            trying = self._trying(plan.trial)
        self._put(first, trying)
        if first is not before:
            LOG.info("release %s answers now, no longer %s", first.served.name, before.served.name)
            metrics().changes.labels("changed").inc()

    def _champion(self, target: Target) -> Loaded | None:
        """The release that is to answer; None where it cannot be loaded."""
        self._due = math.inf
        if (known := self._known(target)) is not None:
            return known
        try:
            with alone(self.folder, self._is_wanted):
                return load_champion(target, self.folder, self._is_wanted)
        except Exception as error:
            self._refuse(target, error)
            return None

    def _trying(self, trial: Trial) -> Trying | None:
        """The trial that goes on, or a new one; None where its candidate cannot be loaded."""
        now = self.releases.trying
        if isinstance(now, Trying) and now.trial == trial:
            return now
        counts = self.counts.setdefault(trial.began, Counts())
        if counts.worse() is not None:
            return None
        try:
            with alone(self.folder, self._is_wanted):
                mark, candidate = self._candidate(trial)
        except Exception as error:
            self._refuse(trial.target, error)
            return None
        return Trying(trial, candidate, self.releases, counts, mark, self.folder)

    def _candidate(self, trial: Trial) -> tuple[Mark, Loaded]:
        mark = self._loading = begin_trial(self.folder, trial.began)
        try:
            return mark, self._known(trial.target) or load(trial.target, mark, self._is_wanted)
        except BaseException:
            mark.end()
            raise

    def _put(self, first: Loaded, trying: Trying | None) -> None:
        before, ended = self.releases.all(), self.releases.trying
        self.releases.change(first, trying)
        group.say(first.served.name)
        if isinstance(ended, Trying) and ended is not trying:
            ended.mark.end()
        self._leaving += [weakref.ref(one) for one in before if one not in self.releases.all()]
        for part, ones in (("first", [first]), ("trial", [trying.candidate] if trying else [])):
            for one in before:
                metrics().serving.labels(one.served.name, part).set(0)
            for one in ones:
                metrics().serving.labels(one.served.name, part).set(1)

    def _known(self, target: Target) -> Loaded | None:
        """A release that is in memory."""
        return next((one for one in self.releases.all() if one.served == served(target)), None)

    def _is_wanted(self) -> bool:
        """Whether the plan is still the one that is being followed, and the worker goes on."""
        with contextlib.suppress(UserError, OSError):  # what is gone or torn is no plan
            return not self._ended.is_set() and Plan.read(self.folder / PLAN) == self._plan
        return False

    def _refuse(self, target: Target, error: Exception) -> None:
        """Say why a release is not loaded, and try it again: others may have had the memory, say, that this
        worker lacked, and two releases would answer for ever. One that was to be replaced meanwhile is no
        worse for it."""
        if isinstance(error, UnwantedError):
            self._due = -math.inf
            return
        self._pause = min(max(AGAIN, 2 * self._pause), LONGEST)
        self._due = time.monotonic() + self._pause
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
            bundle=str(self.releases.first.served.bundle),
            trying=trying.candidate.served.name if trying else None,
            refused=dict(self.refused),
            counts={name: counts.model_copy(deep=True) for name, counts in self.counts.items()},
        )
        if said == self._said:
            return
        try:
            said.write(self.folder / WORKERS.replace("*", str(os.getpid())))
        except Exception:  # then nobody learns how the trial goes
            self._mute = True
            self._end_trial()
            raise
        self._said = said
        if self._mute:
            self._mute, self._plan = False, None
