"""Connections that send no request are closed: the slow ones after a while, the oldest where there are many.

uvicorn closes a connection that is idle after an answer; for the first request and for the end of its headers
it waits for ever. BentoML chooses uvicorn's protocol and passes no limits on, so ours takes its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from typing import Any

import h11
from uvicorn.protocols.http import auto
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 20.0  # for a request's headers
MOST_SILENT = 2000  # connections without a request


class Limited(H11Protocol):
    """uvicorn's protocol, with an end to its patience."""

    silent: dict[Limited, None] = {}  # noqa: RUF012 of all connections, the oldest first

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn's; where too many say nothing, the oldest goes."""
        super().connection_made(transport)
        self.next: asyncio.TimerHandle | None = None  # look at it
        self.silent[self] = None
        if len(self.silent) > MOST_SILENT:
            next(iter(self.silent)).transport.close()
            del self.silent[next(iter(self.silent))]
        self._look(self)

    def data_received(self, data: bytes) -> None:
        """As uvicorn's."""
        super().data_received(data)
        if self.cycle is not None:
            self.silent.pop(self, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's; the next look would keep it, and its last request, in memory until then."""
        if self.next:
            self.next.cancel()
        self.silent.pop(self, None)
        super().connection_lost(exc)

    def _look(self, before: object) -> None:
        """Close it where no headers have ended since the last look, `before` being the request of then."""
        if self.transport.is_closing():
            return
        waits = self.conn.their_state is h11.IDLE
        if waits and before is self.cycle:
            self.transport.close()
            return
        then: Any = self.cycle if waits else self
        self.next = self.loop.call_later(HEADER_SECONDS, self._look, then)


def limit() -> None:
    """Let uvicorn take this protocol, and as many connections as the system allows."""
    if issubclass(auto.AutoHTTPProtocol, H11Protocol):
        auto.AutoHTTPProtocol = Limited
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS takes no infinity, which it says is allowed
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
