"""Callers of a service over HTTP, light enough to be no part of what is measured.

In a closed loop each asks again when he has his answer; in an open one they come at a rate, whatever the
service does.
"""

from __future__ import annotations

import asyncio
import json
import select
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

LOST = 0  # the status where a connection broke
SENT = {"content-type": "application/json", "host": "service"}


@dataclass
class Heard:
    """What callers have heard: (status, seconds) of every request, and how long all took."""

    answers: list[tuple[int, float]] = field(default_factory=list)
    seconds: float = 0.0

    def times(self, status: int = 200) -> list[float]:
        """Seconds of those with this status, sorted."""
        return sorted(seconds for found, seconds in self.answers if found == status)

    def rate(self) -> float:
        """Answers a second."""
        return len(self.times()) / self.seconds

    def at(self, share: float) -> float:
        """The quantile of the answers' seconds."""
        times = self.times()
        return times[min(len(times) - 1, int(share * len(times)))]


class Caller:
    """One connection."""

    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self.port, self.paths = port, paths
        self.connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, body: dict[str, Any]) -> tuple[int, float]:
        """Every path in turn: the worst status, and the seconds of all."""
        start, status = time.perf_counter(), 200
        for path in self.paths:
            try:
                status = max(status, await self._one(path, json.dumps(body).encode()))
            except (OSError, EOFError):
                self.connection, status = None, LOST
                break
        return status, time.perf_counter() - start

    async def _one(self, path: str, body: bytes) -> int:
        if self.connection is None or _is_over(*self.connection):
            self.close()
            self.connection = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.connection
        headers = "".join(f"{name}: {value}\r\n" for name, value in SENT.items())
        writer.write(f"POST {path} HTTP/1.1\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length:")[2].partition(b"\r")[0]
        await reader.readexactly(int(length))
        return int(head.split()[1])

    def close(self) -> None:
        """Hang up."""
        if self.connection is not None:
            self.connection[1].close()


def _is_over(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Whether the server has closed a connection on which nothing is due. It may do so at any time, and its
    callers have to notice (RFC 9112, section 9.3); nothing was asked on it that could be lost."""
    if reader.at_eof() or (fileno := writer.get_extra_info("socket").fileno()) < 0:
        return True
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return bool(poll.poll(0))  # the loop may not have read its end yet


async def closed(callers: list[Caller], bodies: Iterator[dict[str, Any]], seconds: float) -> Heard:
    """Each asks again when he has his answer, until the time is over."""
    heard, end = Heard(), time.perf_counter() + seconds

    async def one(caller: Caller) -> None:
        while time.perf_counter() < end:
            heard.answers.append(await caller.ask(next(bodies)))
        caller.close()

    start = time.perf_counter()
    await asyncio.gather(*map(one, callers))
    heard.seconds = time.perf_counter() - start
    return heard


async def drained(callers: list[Caller], bodies: Iterator[dict[str, Any]]) -> Counter[int]:
    """All bodies, each asked by whoever is free: how often each status was heard."""
    statuses = Counter[int]()

    async def one(caller: Caller) -> None:
        for body in bodies:
            statuses[(await caller.ask(body))[0]] += 1
        caller.close()

    await asyncio.gather(*map(one, callers))
    return statuses


async def opened(
    port: int, bodies: Iterator[dict[str, Any]], rate: float, seconds: float, seed: int = 0
) -> Heard:
    """Requests come at random moments (Poisson), `rate` a second, each on a free connection."""
    heard, draws = Heard(), np.random.default_rng(seed)
    free: list[Caller] = []
    start = time.perf_counter()

    async def one() -> None:
        caller = free.pop() if free else Caller(port, ["/predict"])
        heard.answers.append(await caller.ask(next(bodies)))
        free.append(caller)

    asked, due = [], start
    while (due := due + draws.exponential(1 / rate)) < start + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        asked.append(asyncio.ensure_future(one()))
    await asyncio.gather(*asked)
    heard.seconds = time.perf_counter() - start
    for caller in free:
        caller.close()
    return heard
