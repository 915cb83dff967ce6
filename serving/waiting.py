"""Who waits for the model: a fair queue of texts (start-time fair queueing, Goyal 1996, with the clock of
Golestani 1994).

Every text has a start tag: its request's first text the end of the text served last, each further one as much
later as the texts before it are large. The smallest tag is served next. So the texts of all waiting requests
take turns by size: a request of sixty-four goes on beside those that come later, and holds none of them up;
nor do they hold it up, however many keep coming, for the end moves on with each text served.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from serving.questions import Asked

Tokens = dict[bool, float]  # of texts to which something is written (True), and of the others


def by_kind(sizes: Iterable[tuple[Asked, float]]) -> Tokens:
    """The sizes of texts, summed for each kind."""
    found = {False: 0.0, True: 0.0}
    for item, size in sizes:
        found[item.decodes] += size
    return found


@dataclass(eq=False)
class Ticket:
    """A request that waits; `done` is told, in the model's thread, how it ended."""

    items: list[Asked]
    done: Callable[[Ticket], None]
    answers: list[Any] = field(default_factory=list)
    error: Exception | None = None
    open: bool = True  # nobody has answered or left it
    left: int = 0  # texts without an answer
    waits: float = 0.0  # tokens of it in the queue, about
    since: float = field(default_factory=time.monotonic)  # when it came
    due: float = math.inf  # when it is to be answered
    held: float = 0.0  # seconds in which others were computed instead
    idle: float = 0.0  # since when nothing of it is computed; while something is, infinite

    def __post_init__(self) -> None:
        self.answers, self.left = [None] * len(self.items), len(self.items)
        self.idle = self.since

    def begins(self, now: float) -> None:
        """From now on something of it is computed."""
        self.held, self.idle = self.held_up(now), math.inf

    def rests(self, now: float, others: float) -> None:
        """That is done, and has taken so many seconds more because of others."""
        self.held, self.idle = self.held + others, now

    def held_up(self, now: float) -> float:
        """For how many seconds others have held it up until now."""
        return self.held + max(0.0, now - self.idle)

    def end(self, error: Exception | None = None) -> None:
        """It is answered, or cannot be."""
        if self.open:
            self.open, self.error = False, error
            self.done(self)


@dataclass(eq=False)
class Place:
    """One text of a ticket in the queue."""

    tag: float
    number: int  # who came first, where tags are equal
    ticket: Ticket
    place: int  # of the text in the request
    size: float  # tokens, about, that it adds to the queue

    @property
    def item(self) -> Asked:
        """The text."""
        return self.ticket.items[self.place]

    def __lt__(self, other: Place) -> bool:
        return (self.tag, self.number) < (other.tag, other.number)


class Waiting:
    """The queue; any thread may add, one takes."""

    def __init__(self) -> None:
        self._heap: list[Place] = []
        self._numbers = itertools.count()
        self._now = 0.0  # where the text served last ends
        self._some = threading.Condition()
        self._closed = False
        self.size = 0.0  # tokens that wait, about

    def __len__(self) -> int:
        """Texts that wait, those of callers who left among them until it is their turn."""
        return len(self._heap)

    def add(self, ticket: Ticket) -> None:
        """Queue all texts of a request."""
        with self._some:
            tag = self._now
            for place, item in enumerate(ticket.items):
                heapq.heappush(self._heap, Place(tag, next(self._numbers), ticket, place, item.size))
                self._more(ticket, item.size)
                tag += item.size
            self._some.notify()

    def before(self, tokens: float) -> Tokens:
        """Tokens, about, of the texts that come before one that has so many of its own request before it."""
        with self._some:
            until = self._now + tokens
            return by_kind((one.item, one.size) for one in self._heap if one.tag <= until and one.ticket.open)

    def take(self, wait: bool, fits: Callable[[Asked], bool] = lambda _: True) -> Place | None:
        """The text whose turn it is, of those that fit; None where there is none and nobody would `wait` for
        one, or none comes any more."""
        with self._some:
            while True:
                if (first := self._first(fits)) is not None:
                    self._now = max(self._now, first.tag + first.size)
                    return first
                if not self._heap:
                    self.size = 0.0  # what roundings have left
                if not wait or self._closed:
                    return None
                self._some.wait()

    def back(self, place: Place) -> None:
        """Queue a text again that was taken too early: it is larger than was known."""
        with self._some:
            place.tag += max(0.0, place.item.size - place.size)
            place.size = place.item.size
            self._more(place.ticket, place.size)
            heapq.heappush(self._heap, place)

    def leave(self, ticket: Ticket) -> None:
        """Nobody waits for this request any more: what is left of it is passed over, and is no work."""
        with self._some:
            ticket.open = False
            self._more(ticket, -ticket.waits)

    def close(self) -> None:
        """Nobody comes any more."""
        with self._some:
            self._closed = True
            self._some.notify_all()

    def oldest(self) -> float:
        """Seconds that the text that waits longest has waited."""
        with self._some:
            now = time.monotonic()
            return now - min((one.ticket.since for one in self._heap if one.ticket.open), default=now)

    def _first(self, fits: Callable[[Asked], bool]) -> Place | None:
        """Take the first that fits out of the heap, and all before it that nobody waits for."""
        over: list[Place] = []
        found = None
        while self._heap and found is None:
            first = heapq.heappop(self._heap)
            if first.ticket.open and not fits(first.item):
                over.append(first)
                continue
            self._more(first.ticket, -min(first.size, first.ticket.waits))
            found = first if first.ticket.open else None
        for place in over:
            heapq.heappush(self._heap, place)
        return found

    def _more(self, ticket: Ticket, tokens: float) -> None:
        ticket.waits += tokens
        self.size += tokens
