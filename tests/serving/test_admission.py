"""Who is let in, and when he is answered: the service's own queue and passes, in time that a test tells.

A pass takes a fixed time and so much a token, as those of a real model do.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from components.model.runtimes.base import TOKENS_PER_PASS
from serving import batcher as batching
from serving.batcher import Batcher
from serving.predictor import UNLIMITED
from serving.questions import Asked, Reader
from serving.requests import BusyError
from serving.waiting import Place, Ticket
from tests.serving.tiny import CARDS

LONGEST = 288.0  # tokens of a text
FIXED, EACH = 6.7e-3, 0.25e-3  # seconds of a pass, and of a token in it
LONE = FIXED + 28 * EACH  # of a text of the median length
MOST = 4 * LONE  # that anybody may wait


@dataclass
class World:
    """A batcher whose clock and model are the test's."""

    now: float = 0.0
    late: int = 0
    answered: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # long ones, others
    refused: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    tokens: float = 0.0  # that were answered
    longest: float = LONGEST
    tokens_per_pass: int = TOKENS_PER_PASS
    given_up: int = 0  # of those who were let in

    def __post_init__(self) -> None:
        self.reader = self  # of itself, as a predictor
        self.in_the_house: deque[Ticket] = deque()

    def monotonic(self) -> float:
        return self.now

    def tokenise(self, item: Asked) -> None:
        item.tokenised = True

    def start(self) -> None:
        """No thread: the test calls what it would."""

    def is_alive(self) -> bool:
        return True

    def Thread(self, **_: Any) -> World:  # noqa: N802 as of the module that it stands for
        return self

    def overload(
        self, batcher: Batcher, requests: Iterator[tuple[float, list[float]]], noise: float = 0.0
    ) -> None:
        """Requests (moment, tokens of each text), until all are answered or refused."""
        draws, start, end = np.random.default_rng(1), 0.0, math.inf
        taken: list[Place] = []
        coming = next(requests, None)
        while coming or taken:
            self.goes(batcher, min(coming[0] if coming else math.inf, end))
            if coming and coming[0] <= end:
                self.now = coming[0]
                self.comes(batcher, coming[1])
                coming = next(requests, None)
            else:
                self.now = end
                batcher._noted(taken, start, end - start)
                for place in taken:
                    place.ticket.left -= 1
                    if not place.ticket.left:
                        place.ticket.end()
                batcher._running, taken = 0.0, []
            if not taken:
                taken, start = batcher._take(wait=False), self.now
                for place in taken:
                    place.ticket.begins(start)
                seconds = (FIXED + EACH * sum(place.item.size for place in taken)) * draws.lognormal(0, noise)
                end = start + seconds if taken else math.inf

    def comes(self, batcher: Batcher, tokens: list[float]) -> None:
        items, since, long = [Asked([], size) for size in tokens], self.now, sum(tokens) > 200
        try:
            batcher._admit(items)
        except BusyError:
            self.refused[long] += 1
            return

        def ends(_: Ticket) -> None:
            self.answered[long] += 1
            self.tokens += sum(tokens)
            self.late += self.now - since > 2 * batcher.most_seconds + 1e-9

        self.in_the_house.append(Ticket(items, ends, since=since, due=since + batcher.in_time))
        batcher.waiting.add(self.in_the_house[-1])

    def goes(self, batcher: Batcher, until: float) -> None:
        """Those who are given up by that moment."""
        seconds = batcher.in_time
        while self.in_the_house and self.in_the_house[0].since + seconds <= until:
            ticket, refused = self.in_the_house.popleft(), Future[Any]()
            if ticket.open:
                batcher._give_up(ticket, refused)  # type: ignore[arg-type]  # a future of no loop does
            if refused.done():
                self.given_up += 1
                batcher.waiting.leave(ticket)

    def share(self, long: bool) -> float:
        return self.answered[long] / (self.answered[long] + self.refused[long])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    monkeypatch.setattr(batching, "time", world)
    monkeypatch.setattr(batching, "threading", world)
    return world


def requests(rate: float, count: int = 2000) -> Iterator[tuple[float, list[float]]]:
    """Of one text, at random moments, `rate` a second; of lengths as people's texts have, a twentieth the
    longest."""
    draws = np.random.default_rng(0)
    came = np.cumsum(draws.exponential(1 / rate, count))
    tokens = np.where(draws.random(count) < 0.05, LONGEST, np.minimum(draws.lognormal(3.3, 0.6, count), 160))
    return zip(came.tolist(), tokens[:, None].tolist(), strict=True)


CAPACITY = 8 / (FIXED + 8 * EACH * 44)  # requests a second, eight a pass


def mixed(texts: int, count: int = 6000) -> Iterator[tuple[float, list[float]]]:
    """Requests of one text, .7 of the capacity, and of several at once, 1.3 of it."""
    draws = np.random.default_rng(0)
    came = np.cumsum(draws.exponential(1 / (0.7 * CAPACITY), count))
    for moment in came.tolist():
        several = texts if draws.random() < 1.3 / 0.7 / texts else 0
        for size in filter(None, (1, several)):
            yield moment, np.minimum(draws.lognormal(3.7, 0.4, size), 160).tolist()


@pytest.mark.parametrize(("noise", "busy"), [(0.0, 0.75), (0.05, 0.7)])
def test_at_twice_the_capacity_who_is_let_in_is_answered_in_time_whatever_the_length_of_his_text(
    world: World, noise: float, busy: float
) -> None:
    world.overload(Batcher(world, MOST), requests(2 * CAPACITY), noise)  # type: ignore[arg-type]
    assert not world.late
    assert world.share(long=True) > 0.8 * world.share(long=False)
    assert world.tokens * EACH / world.now > busy * CAPACITY * 44 * EACH


@pytest.mark.parametrize(("noise", "given_up"), [(0.0, 0.03), (0.05, 0.02), (0.2, 0.03)])
def test_who_is_held_up_by_passes_that_take_longer_is_refused_in_time(
    world: World, noise: float, given_up: float
) -> None:
    world.overload(Batcher(world, MOST), requests(2 * CAPACITY, 5000), noise)  # type: ignore[arg-type]
    assert world.late <= 0.002 * sum(world.answered.values())
    assert 0 < world.given_up < given_up * sum(world.answered.values())


@pytest.mark.parametrize("texts", [16, 64])
def test_requests_of_several_texts_that_others_overtake_are_refused_in_time_and_most_of_them_at_once(
    world: World, texts: int
) -> None:
    """What was computed of the others is lost."""
    world.overload(Batcher(world, 100 * LONE), mixed(texts), 0.05)  # type: ignore[arg-type]
    assert not world.late
    assert 0 < world.given_up < 1.5 * world.answered[True]
    assert not world.refused[False]


def test_several_texts_that_take_longer_than_that_themselves_are_answered(world: World) -> None:
    """However often they came again they would take as long, and hardly ever be alone."""
    others = [(second / 100, [28.0]) for second in range(1, 20)]
    world.overload(Batcher(world, 10 * LONE), iter([(0.0, [28.0] * 64), *others]))  # type: ignore[arg-type]
    assert (world.answered[True], world.given_up) == (1, 0)
    assert world.late >= 1


def test_several_texts_are_refused_for_what_may_come_only_where_somebody_was_late(world: World) -> None:
    """Callers who wait for an answer before they ask again make a model as busy, and nobody late."""
    batcher, texts = Batcher(world, 20 * LONE), [Asked([], 28.0) for _ in range(16)]  # type: ignore[arg-type]
    world.overload(batcher, requests(0.5 * CAPACITY, 300))  # by which it knows how fast it is
    assert not world.given_up
    batcher._came.add(world.now, 0.9 * batcher.most_seconds)
    batcher._admit(texts)
    batcher._late = world.now
    with pytest.raises(BusyError, match="^16 texts would be late beside those of others; send fewer, or ask"):
        batcher._admit(texts)
    batcher._admit(texts[:1])
    world.now += batcher.most_seconds * 5
    batcher._admit(texts)  # nobody has come for some time


def test_who_waits_for_few_is_not_refused(world: World) -> None:
    batcher = Batcher(world, 40 * LONE)  # type: ignore[arg-type]
    world.overload(batcher, requests(0.7 * CAPACITY))
    assert not sum(world.refused.values())
    assert not world.late
    assert not world.given_up


def test_a_text_that_takes_longer_than_anybody_may_wait_is_let_in_where_nobody_does(world: World) -> None:
    batcher = Batcher(world, LONE)  # type: ignore[arg-type]
    world.overload(batcher, iter([(0.0, [LONGEST]), (0.001, [28.0]), (1.0, [LONGEST])]))
    assert (world.answered, world.refused) == ({True: 2, False: 0}, {True: 0, False: 1})


def test_a_large_request_that_waits_keeps_no_small_one_out(world: World) -> None:
    batcher = Batcher(world, 1.0)  # type: ignore[arg-type]
    batcher.waiting.add(Ticket([Asked([], LONGEST) for _ in range(64)], lambda _: None))
    batcher._admit([Asked([], 28.0)])  # its turn is after the first of them
    with pytest.raises(BusyError):
        batcher._admit([Asked([], LONGEST) for _ in range(64)])


def test_what_writes_a_text_is_reckoned_by_its_own_speed(world: World) -> None:
    batcher = Batcher(world, 1.0)  # type: ignore[arg-type]

    def ticket(tokens: float, decodes: bool) -> Ticket:
        item = Asked([], tokens)
        item.decodes = decodes
        return Ticket([item], lambda _: None)

    for _ in range(50):
        for decodes, seconds in ((False, 0.02), (True, 1.0)):
            batcher._noted([Place(0, 0, ticket(100, decodes), 0, 100)], 0.0, seconds)
    batcher.waiting.add(ticket(400, decodes=False))
    batcher._admit([Asked([], 28.0)])
    batcher.waiting.add(ticket(200, decodes=True))
    with pytest.raises(BusyError):
        batcher._admit([Asked([], 28.0)])


def test_a_text_that_fits_all_tasks_counts_once_before_it_is_tokens() -> None:
    reader = Reader(CARDS, None, UNLIMITED)  # type: ignore[arg-type] # which `items` does not need
    short, long = (reader.items(["a" * length], None, None)[0].size for length in (40, 4000))
    assert short < 14
    cuts = {card["max_length"] for card in CARDS.values() if card["inputs"] == ["text"]}
    assert len(cuts) > 1
    assert long > sum(cuts)
