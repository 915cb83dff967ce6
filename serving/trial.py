"""A candidate beside the release that answers: as a canary it answers a share of the callers, as a shadow
nobody, and what both say to the same text is compared.

They are compared after the answer is given, a text at a time, while nothing else waits for a model, and what
comes too fast is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from components.rollout.agreement import apart, is_sound
from components.rollout.evidence import Evidence, is_drawn
from components.rollout.mark import Mark
from components.rollout.records import Counts, Trial
from serving.loaded import Loaded
from serving.questions import Answers, Told
from serving.releases import Found, Releases
from serving.requests import BadRequestError, LateError, RefusedError

WAITING = 32  # texts that are to be compared; the oldest gives way
PAUSE = 0.02  # seconds between two looks whether the model is free
PATIENCE = 30.0  # seconds after which a release has failed to answer: of the minute that a caller has, a half
Request = tuple[Sequence[Any], Sequence[str] | None, int | None, Told | None]  # texts, tasks, top, who hears
SCOPE: ContextVar[Scope | None] = ContextVar("the request that is answered", default=None)


class KnowCaller:
    """ASGI middleware: keeps a request's headers for a trial that tells callers apart by one of them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        SCOPE.set(scope)
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Answered:
    """A text with one release's answers, which waits for the other's."""

    text: Any
    names: Sequence[str] | None
    top: int | None
    answers: Answers


class Trying:
    """A trial that goes on. All but its making happens in the worker's event loop."""

    def __init__(
        self,
        trial: Trial,
        candidate: Loaded,
        releases: Releases,
        counts: Counts,
        mark: Mark,
        folder: Path,
    ) -> None:
        """`folder` is that of the service, which its workers share."""
        self.trial, self.candidate, self.releases, self.mark = trial, candidate, releases, mark
        self.evidence = Evidence(trial, counts, folder)
        self.shadow = trial.kind == "shadow"
        candidate.batcher.working = mark.at_work
        self._waiting: deque[Answered] = deque(maxlen=WAITING)
        self._comparing: asyncio.Task[None] | None = None

    async def answer(
        self,
        texts: Sequence[Any],
        names: Sequence[str] | None,
        top: int | None,
        told: Told | None = None,
    ) -> Found:
        """As `Releases.answer`; what a canary fails at, the other answers."""
        asked, caller = (texts, names, top, told), self._caller()
        if not is_drawn(self.trial, caller):
            return await self._of_first(asked, caller, counted=not self.shadow)
        found = await self._of_first(asked, caller) if self.shadow else await self._of_canary(asked, caller)
        if self.shadow or found[0] is self.candidate.served:
            self._compare_later(texts, names, top, found[1])
        return found

    async def _of_canary(self, asked: Request, caller: str | None) -> Found:
        try:
            return await self._of_candidate(asked, caller) or await self._of_first(asked, caller)
        except BadRequestError:  # it has no such task, say
            found = await self._of_first(asked, caller)  # which refuses too where the caller is wrong
            self.evidence.compared(1.0)
            return found

    async def _of_candidate(self, asked: Request, caller: str | None) -> Found | None:
        start = time.perf_counter()
        try:
            with self.releases.use(self) as loaded, self._patience(True, caller):
                if loaded is not self.candidate:  # the trial has ended
                    return None
                answers = await self._asked(asked)
        except BadRequestError:
            raise
        except Exception as error:
            if _is_failure(error):
                self.evidence.failed(True, caller)
            return None
        self.evidence.answered(True, time.perf_counter() - start, caller)
        return loaded.served, answers

    async def _asked(self, asked: Request) -> list[Answers]:
        """The candidate's answers; somebody who is told of a text while it is written may wait for ever.

        Raises:
            RefusedError: as `Batcher.answer`.
            TimeoutError: it hangs.
            RuntimeError: its model has stopped, or what it answers is no answer.
        """
        batcher, told = self.candidate.batcher, asked[3]
        if not batcher.alive:
            raise RuntimeError("the model has stopped")
        async with asyncio.timeout(PATIENCE if told is None else None):
            answers = await batcher.answer(*asked)
        if not _are_sound(answers):
            raise RuntimeError("a number of an answer is none")
        return answers

    async def _of_first(self, asked: Request, caller: str | None, counted: bool = False) -> Found:
        """The answers of the release beside; `counted` as those that a canary is held against."""
        start = time.perf_counter()
        try:
            with self.releases.use() as loaded, self._patience(False, caller):
                answers = await loaded.batcher.answer(*asked)
        except Exception as error:
            if _is_failure(error):
                self._first_failed(caller)
            raise
        seconds = time.perf_counter() - start
        if counted:
            self.evidence.answered(False, seconds, caller)
        if not self.shadow and ((asked[3] is None and seconds > PATIENCE) or not _are_sound(answers)):
            self._first_failed(caller)  # as the candidate would have
        return loaded.served, answers

    def _first_failed(self, caller: str | None) -> None:
        if not self.shadow:  # whose failures are held against no other's
            self.evidence.failed(False, caller)

    @contextlib.contextmanager
    def _patience(self, by_candidate: bool, caller: str | None) -> Iterator[None]:
        """Remember how long somebody has waited in vain: a model that hangs fails at nothing, and answers
        nothing either."""
        start = time.perf_counter()
        try:
            yield
        except (asyncio.CancelledError, TimeoutError, LateError):
            self.evidence.left(by_candidate, time.perf_counter() - start, caller)
            raise

    def _caller(self) -> str | None:
        """What the request's header says of who asks; one without a value says nothing, as a proxy sends it
        for whoever is not known to it."""
        scope = SCOPE.get()
        if self.trial.key is None or scope is None:
            return None
        return Headers(scope=scope).get(self.trial.key, "").strip() or None

    def _compare_later(
        self, texts: Sequence[Any], names: Sequence[str] | None, top: int | None, answers: Sequence[Answers]
    ) -> None:
        """Of a request one text, since the others resemble it."""
        place = random.randrange(len(texts))  # noqa: S311 a sample, not a secret
        self._waiting.append(Answered(texts[place], names, top, answers[place]))
        if self._comparing is None or self._comparing.done():
            self._comparing = asyncio.ensure_future(self._compare())

    async def _compare(self) -> None:
        """Ask the other release what waits, until nothing does or the trial is over."""
        since = time.monotonic()  # a shadow is at work though nothing is asked of it: it hangs
        while self._waiting and self.releases.trying is self:
            if self.releases.first.batcher.idle and self.candidate.batcher.idle:
                await self._compare_one(self._waiting.popleft())
                since = time.monotonic()
                continue
            await asyncio.sleep(PAUSE)
            if not self.shadow or self.candidate.batcher.idle:
                since = time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                self._waiting.popleft()
                self.evidence.shadowed(failed=True)
                since = time.monotonic()

    async def _compare_one(self, one: Answered) -> None:
        with self.releases.use(self if self.shadow else None) as other:
            if (other is self.candidate) is not self.shadow:  # the trial has ended
                return
            try:
                (answers,) = await self._other(([one.text], one.names, one.top, None))
            except BadRequestError:  # it does not know the task, which only beside a canary is a new one
                if self.shadow:
                    self.evidence.compared(1.0)
                return
            except RefusedError:  # it is busy
                return
            except Exception:
                if self.shadow:
                    self.evidence.shadowed(failed=True)
                return
        if self.shadow:
            self.evidence.shadowed(failed=False)
        self.evidence.compared(self._apart(one.answers, answers))

    async def _other(self, asked: Request) -> list[Answers]:
        return await (self._asked(asked) if self.shadow else self.releases.first.batcher.answer(*asked))

    def _apart(self, one: Answers, other: Answers) -> float:
        """Of the tasks that both releases answer, the mean; as far as can be where there is none."""
        both = [head for head in one if type(one[head]) is type(other.get(head))]
        found = [apart(one[head].model_dump(), other[head].model_dump(), self._scale(head)) for head in both]
        return sum(found) / len(found) if found else 1.0

    def _scale(self, head: str) -> float:
        """That of a task's numbers: the finer of both releases'."""
        cards = [one.batcher.predictor.cards for one in (self.releases.first, self.candidate)]
        return min(float(known[head]["facts"].get("deviation", 1.0)) for known in cards if head in known)


def _is_failure(error: Exception) -> bool:
    """Whether a release has failed by it: who is refused at once was not asked of it."""
    return isinstance(error, LateError) or not isinstance(error, RefusedError)


def _are_sound(answers: Sequence[Answers]) -> bool:
    """Is every number of some answers one? JSON knows no other."""
    return all(is_sound(answer.model_dump()) for of_text in answers for answer in of_text.values())
