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
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from components.rollout.agreement import apart
from components.rollout.evidence import Evidence, is_drawn
from components.rollout.records import Counts, Trial
from serving.loaded import Loaded
from serving.predictor import Answers
from serving.questions import Told
from serving.releases import Found, Releases
from serving.requests import RefusedError

WAITING = 32  # texts that are to be compared; the oldest gives way
PAUSE = 0.02  # seconds between two looks whether the model is free
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

    def __init__(self, trial: Trial, candidate: Loaded, releases: Releases, counts: Counts) -> None:
        self.trial, self.candidate, self.releases = trial, candidate, releases
        self.evidence = Evidence(trial, counts)
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
        asked = texts, names, top, told
        caller, shadow = self._caller(), self.trial.kind == "shadow"
        drawn, start = is_drawn(self.trial, caller), time.perf_counter()
        found = None if shadow or not drawn else await self._of_candidate(asked, caller)
        compared = found is not None or (drawn and shadow)
        found = found or await self._of_first(asked, caller)
        if compared:
            self._compare_later(texts, names, top, found[1])
        elif not shadow and not drawn:
            self.evidence.answered(False, time.perf_counter() - start, caller)
        return found

    async def _of_candidate(self, asked: Request, caller: str | None) -> Found | None:
        start = time.perf_counter()
        with self.releases.use(self) as loaded, self._patience(True, caller):
            if loaded is not self.candidate:  # the trial has ended
                return None
            try:
                answers = await loaded.batcher.answer(*asked)
            except RefusedError:  # the other may know the task; if not, it refuses too
                return None
            except Exception:
                self.evidence.failed(True, caller)
                return None
        self.evidence.answered(True, time.perf_counter() - start, caller)
        return loaded.served, answers

    async def _of_first(self, asked: Request, caller: str | None) -> Found:
        with self.releases.use() as loaded, self._patience(False, caller):
            try:
                return loaded.served, await loaded.batcher.answer(*asked)
            except RefusedError:
                raise
            except Exception:
                self.evidence.failed(False, caller)
                raise

    @contextlib.contextmanager
    def _patience(self, by_candidate: bool, caller: str | None) -> Iterator[None]:
        """Remember how long somebody has waited in vain: a model that hangs fails at nothing, and answers
        nothing either."""
        start = time.perf_counter()
        try:
            yield
        except asyncio.CancelledError:
            self.evidence.left(by_candidate, time.perf_counter() - start, caller)
            raise

    def _caller(self) -> str | None:
        """What the request's header says of who asks."""
        scope = SCOPE.get()
        return None if self.trial.key is None or scope is None else Headers(scope=scope).get(self.trial.key)

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
        while self._waiting and self.releases.trying is self:
            if not (self.releases.first.batcher.idle and self.candidate.batcher.idle):
                await asyncio.sleep(PAUSE)
                continue
            await self._compare_one(self._waiting.popleft())

    async def _compare_one(self, one: Answered) -> None:
        shadow = self.trial.kind == "shadow"
        with self.releases.use(self if shadow else None) as other:
            if (other is self.candidate) is not shadow:  # the trial has ended
                return
            try:
                (answers,) = await other.batcher.answer([one.text], one.names, one.top)
            except RefusedError:  # it does not know the task, or is busy
                return
            except Exception:
                if shadow:
                    self.evidence.shadowed(failed=True)
                return
        if shadow:
            self.evidence.shadowed(failed=False)
        with contextlib.suppress(ValueError):  # they have no task in common
            self.evidence.compared(self._apart(one.answers, answers))

    def _apart(self, one: Answers, other: Answers) -> float:
        """Of the tasks that both releases answer, the mean; ValueError of none."""
        cards: Mapping[str, Any] = self.candidate.batcher.predictor.cards
        both = [head for head in one if type(one[head]) is type(other.get(head))]
        scales = {head: cards[head]["facts"].get("deviation", 1.0) for head in both}
        found = [apart(one[head].model_dump(), other[head].model_dump(), scales[head]) for head in both]
        if not found:
            raise ValueError
        return sum(found) / len(found)
