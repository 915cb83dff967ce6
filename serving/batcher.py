"""One model for many callers: whenever it is free it takes of what waits as much as fits one pass.

Nobody waits for a batch to fill. A pass has texts of any requests, with all that is asked of each; the
queue is fair (`waiting`), and who would not be answered in time is refused; what a caller who hung up has
asked is not computed. The model has a thread of its own, so that the event loop is free for the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from serving.questions import Answers, Asked, Told
from serving.requests import BusyError, LateError
from serving.speed import Rate, Speed
from serving.waiting import Place, Ticket, Tokens, Waiting, by_kind

if TYPE_CHECKING:
    from serving.predictor import Predictor

IN_TIME = 1.9  # times the longest wait: by then who was let in is answered or refused, and hears it by twice
HEARING = 0.006  # seconds that it may take at least until he hears it, for other threads work, too
AT_ONCE = 0.1  # of the longest wait: whom others take no more than that was held up by nobody
UNSURE = 0.5  # of the longest wait: before who takes so long himself that he may be late
LATELY = 10.0  # times the longest wait: who was late in it may not be the last
LOG = logging.getLogger("bentoml")
Ended = tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Ticket]  # the caller's loop, what he waits for


@dataclass(frozen=True)
class Pass:
    """What a pass of the model was like."""

    texts: int
    tokens: float
    seconds: float  # of the model
    waited: list[float]  # seconds of each text, before it
    waiting: int  # texts, behind it
    oldest: float  # seconds that the first of them has waited


class Batcher:
    """The model, its queue and its thread."""

    def __init__(
        self,
        predictor: Predictor,
        most_seconds: float = math.inf,
        note: Callable[[Pass], None] = lambda _: None,
    ) -> None:
        """Who would have to wait longer than `most_seconds`, or for his answer twice as long, is refused;
        `note` is told of every pass."""
        self.predictor, self.most_seconds, self.note = predictor, most_seconds, note
        self.reader, self.tokens_per_pass = predictor.reader, predictor.tokens_per_pass
        self.waiting = Waiting()
        # entered while the model is at work, whoever still waits for it
        self.working: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
        self.speeds = {False: Speed(), True: Speed()}  # of passes that write no text, and of those that do
        self._came = Rate(most_seconds)  # seconds of work, of requests of one text
        self._late = -math.inf  # when somebody was refused who had been let in
        self._running = 0.0  # tokens of the passes that are on their way
        self._until = 0.0  # when they end, about
        self._began = self._given = 0.0  # when the pass began; seconds of it that others were given
        self._ended: deque[Ended] = deque()  # who is to be woken
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether somebody computes."""
        return self._thread.is_alive()

    async def answer(
        self,
        texts: Sequence[Any],
        names: Sequence[str] | None = None,
        top: int | None = None,
        told: Told | None = None,
    ) -> list[Answers]:
        """As `Predictor.predict`, beside the other callers. Cancelled, it costs no more of the model. `told`
        hears of what is written for the first text, while it is.

        Raises:
            BadRequestError: as there.
            BusyError: it would have to wait too long, or nobody computes any more.
            LateError: it has waited too long.
        """
        items = self.reader.items(texts, names, top)
        self._admit(items)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[list[Answers]] = loop.create_future()
        ended = self._ended  # a ticket's items know it, so it goes late, and must not keep the model
        ticket = Ticket(items, lambda ticket: ended.append((loop, answered, ticket)))
        ticket.due = ticket.since + self.in_time
        for item in items:
            item.wanted = lambda: ticket.open
        items[0].told = told and partial(_say, loop, told)
        self.waiting.add(ticket)
        late = loop.call_later(self.in_time, self._give_up, ticket, answered)
        try:
            return await answered
        finally:
            late.cancel()
            self.waiting.leave(ticket)

    def _give_up(self, ticket: Ticket, answered: asyncio.Future[list[Answers]]) -> None:
        """Refuse who would be in time without others. Who takes that long himself, as who has something
        written may, is answered whenever that is, or would never be."""
        others, own = ticket.held_up(time.monotonic()), self._seconds({False: ticket.waits})
        held_up = others - own > AT_ONCE * self.most_seconds
        if held_up and not answered.done() and not any(item.decodes for item in ticket.items):
            self._late = time.monotonic()
            said = f"no answer in {self.in_time:.1f} s; ask again later"
            answered.set_exception(LateError(said, self.in_time))

    @property
    def in_time(self) -> float:
        """Seconds in which whoever is let in is answered or refused."""
        most = self.most_seconds
        return max(most, min(IN_TIME * most, 2 * most - HEARING))

    @property
    def idle(self) -> bool:
        """Whether nothing waits or is computed."""
        return not self.waiting and not self._running

    def close(self) -> None:
        """End the thread when what waits is answered; nobody may ask any more."""
        self.waiting.close()

    def _admit(self, items: Sequence[Asked]) -> None:
        if not self.alive:
            raise BusyError("the model has stopped; the service must be started again")
        own = by_kind((item, item.size) for item in items)
        before = self.waiting.before(sum(own.values()) - items[-1].size)
        running = max(0.0, self._until - time.monotonic()) if self._running else 0.0
        if (seconds := running + self._seconds(before)) > self._most(own):
            raise BusyError(f"{seconds:.1f} s of work wait already; ask again later", seconds)
        if len(items) == 1:
            self._came.add(time.monotonic(), self._in_full_passes(own))
        elif self._is_overtaken(seconds, own):
            said = f"{len(items)} texts would be late beside those of others; send fewer, or ask again later"
            raise BusyError(said, self.in_time)

    def _is_overtaken(self, before: float, own: Tokens) -> bool:
        """Whether a request of several texts would be late because of those of one, which take turns with its
        texts, where as many come as came. It is asked only where somebody was late not long ago: callers who
        wait for an answer before they ask again come more seldom beside it."""
        now, seconds, most = time.monotonic(), self._seconds(own), self.most_seconds
        if now - self._late > LATELY * most or seconds > self.in_time - UNSURE * most:
            return False
        return before + seconds > self.in_time * (1 - self._came.rate(now))

    def _in_full_passes(self, tokens: Tokens) -> float:
        """How long the model takes for these, in passes that are shared with others."""
        most = self.tokens_per_pass
        full = {kind: speed.of(most) / most for kind, speed in self.speeds.items()}
        return sum(full[kind] * size for kind, size in tokens.items())

    def _most(self, own: Tokens) -> float:
        """Seconds that a request of so many tokens may have to wait to be answered in time. All count as the
        longest text at least, or short ones would leave no room for it; who cannot be in time may still come
        while hardly anybody waits."""
        answering = max(self.speeds[False].of(self.reader.longest), self._seconds(own))
        return min(self.most_seconds, max(self.in_time - answering, UNSURE * self.most_seconds))

    def _seconds(self, tokens: Tokens) -> float:
        """How long the model takes for these, about."""
        return sum(self.speeds[kind].of(size) for kind, size in tokens.items() if size)

    def _work(self) -> None:
        while taken := self._take():
            with self.working():
                for decodes in (False, True):  # whoever waits for no text to be written does not wait for one
                    self._began, self._given = time.monotonic(), 0.0
                    self._pass([place for place in taken if place.item.decodes is decodes])
            self._running = 0.0

    def _let_others(self) -> None:
        """While something is decoded, half of the time is of texts of which nothing is."""
        now = time.monotonic()
        if now - self._began < 2 * self._given:
            return
        running = self._running
        if taken := self._take(wait=False, fits=lambda item: not item.decodes):
            self._pass(taken)
            self._given += time.monotonic() - now
        self._running = running

    def _take(self, wait: bool = True, fits: Callable[[Asked], bool] = lambda _: True) -> list[Place]:
        """The texts of the next pass, tokenised, of those that fit; may `wait` for the first, and then has
        none once nobody comes any more. Who comes while they are tokenised may still come along; but no text
        by which those before it would be late."""
        taken: list[Place] = []
        tokens, size, running, due = by_kind(()), 0.0, self._running, math.inf
        while size < self.tokens_per_pass and (place := self.waiting.take(wait and not taken, fits)):
            if not place.item.tokenised and not self._tokenise(place):
                continue
            kind = place.item.decodes
            more = {**tokens, kind: tokens[kind] + place.item.size}
            too_large = size + place.item.size > self.tokens_per_pass
            if taken and (too_large or self._end(tokens) <= due < self._end(more)):
                self.waiting.back(place)
                break
            taken.append(place)
            size += place.item.size
            tokens, due = more, min(due, place.ticket.due)
            self._running, self._until = running + size, self._end(tokens)
        return taken

    def _end(self, tokens: Tokens) -> float:
        """When passes of these would end that begin now."""
        return time.monotonic() + self._seconds(tokens)

    def _tokenise(self, place: Place) -> bool:
        try:
            with self.working():
                self.reader.tokenise(place.item)
        except BaseException as error:
            place.ticket.end(ordinary(error))
            self._wake()
            return False
        return True

    def _pass(self, taken: list[Place]) -> None:
        """Answer these; where that fails, each alone, so that one caller's text is no other's failure."""
        if not taken:
            return
        start, given = time.monotonic(), self._given
        for place in taken:
            place.ticket.begins(start)
        try:
            found = self.predictor.answer([place.item for place in taken], self._let_others)
            answered = list(zip(taken, found, strict=True))
        except BaseException as error:
            for place in taken if len(taken) > 1 else ():
                self._pass([place])
            if len(taken) == 1:
                taken[0].ticket.end(ordinary(error))
            self._wake()
            return
        seconds = time.monotonic() - start - (self._given - given)
        for place, answers in answered:
            _fill(place, answers)
        self._wake()
        self._noted(taken, start, seconds)

    def _wake(self) -> None:
        """Tell callers in their loops, all of a loop at once: each call wakes it up."""
        ended = [self._ended.popleft() for _ in range(len(self._ended))]
        for loop in {id(one[0]): one[0] for one in ended}.values():
            with contextlib.suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(_tell, [one for one in ended if one[0] is loop])

    def _noted(self, taken: list[Place], start: float, seconds: float) -> None:
        """Remember and note a pass; whatever becomes of that, it was answered."""
        tokens = sum(place.item.size for place in taken)
        for ticket, own in _by_ticket(taken).items():
            ticket.rests(start + seconds, seconds * (1 - own / tokens))
        self.speeds[taken[0].item.decodes].remember(seconds, tokens)
        waited = [start - place.ticket.since for place in taken]
        try:
            self.note(Pass(len(taken), tokens, seconds, waited, len(self.waiting), self.waiting.oldest()))
        except Exception:
            LOG.exception("a pass of the model is not counted")


def ordinary(error: BaseException) -> Exception:
    """An error that a caller's handlers catch; a panic of the tokenizer's Rust is none of `Exception`."""
    return error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")


def _fill(place: Place, answers: Answers) -> None:
    """Write a text's answers into its ticket, which ends with the last."""
    ticket = place.ticket
    ticket.answers[place.place] = answers
    ticket.left -= 1
    if not ticket.left:
        ticket.end()


def _by_ticket(taken: Sequence[Place]) -> dict[Ticket, float]:
    """The tokens of a pass, summed for each request."""
    found: dict[Ticket, float] = defaultdict(float)
    for place in taken:
        found[place.ticket] += place.item.size
    return found


def _say(loop: asyncio.AbstractEventLoop, told: Told, task: str, answer: BaseModel) -> None:
    """Say in the caller's loop what a task has written so far."""
    with contextlib.suppress(RuntimeError):  # the loop has been closed
        loop.call_soon_threadsafe(told, task, answer)


def _tell(ended: Sequence[Ended]) -> None:
    """Give callers their answers, in their loop; but for those who left."""
    for _, answered, ticket in ended:
        if answered.done():
            continue
        if ticket.error is None:
            answered.set_result(ticket.answers)
        else:
            answered.set_exception(ticket.error)
