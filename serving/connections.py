"""Connections: those that send no request are closed, the slow ones after a while and the oldest where there
are many; where the server ends, what is asked is answered first.

uvicorn closes a connection that is idle after an answer; for the first request and for the end of its headers
it waits for ever, and for a caller who does not read his answer as well. When it ends, it closes idle
connections though a request may be on its way to them. BentoML chooses uvicorn's protocol and server and
passes no limits on, so ours take their places.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import resource
import select
import socket
import struct
import sys

import h11
import uvicorn
from uvicorn.protocols.http import auto
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving import group
from serving.callers import PROXIES

HEADER_SECONDS = 20.0  # for a request's headers, and for what is left to send or to read after its answer
LEFT_OVER = 16 << 20  # bytes of a body that are read after its answer, so that who sends it first gets that
LAST_SECONDS = 1.0  # that a connection is open for one more request when the server ends
HANDSHAKE_SECONDS = 0.2  # that a connection takes to be made which had begun to be when the server ends
TURNS = 8  # of the loop
LOOKS = 8  # connections that are looked at to close one
MOST_SILENT = 2000  # connections without a request

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27  # Linux's; Python has no names for them
# A classic BPF program: (code, jump if true, jump if false, operand) of each instruction
NO_NEW = (
    (0x30, 0, 0, 13),  # load the byte of TCP's flags
    (0x45, 0, 1, 0x02),  # is SYN among them?
    (0x06, 0, 0, 0),  # yes: none of the packet is kept
    (0x06, 0, 0, 0xFFFFFFFF),  # no: all of it is
)


class Limited(H11Protocol):
    """uvicorn's protocol, with an end to its patience."""

    silent: dict[Limited, None] = {}  # noqa: RUF012 of all connections, the oldest first
    most_silent = MOST_SILENT
    ending = False  # the server takes no more connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn's; where too many say nothing, the oldest goes."""
        super().connection_made(transport)
        self.next: asyncio.TimerHandle | None = None  # look at it
        self.left_over = 0  # bytes, of the request that is answered
        self.silent[self] = None
        if len(self.silent) > self.most_silent:
            self._make_room()
        self._look(self)
        if self.ending:
            self.shutdown()

    def data_received(self, data: bytes) -> None:
        """As uvicorn's; a request that was on its way when the server ended is the connection's last."""
        if self._goes_on():
            self.left_over += len(data)
            if self.left_over > LEFT_OVER:
                self.transport.abort()
                return
        before = self.cycle
        super().data_received(data)
        if self.cycle is not None:
            self.silent.pop(self, None)
            self.left_over = self.left_over if self.cycle is before else 0
            if self.ending:
                self._last()

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's; the next look would keep it, and its last request, in memory until then."""
        if self.next:
            self.next.cancel()
        self.silent.pop(self, None)
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """The server ends: uvicorn closes an idle connection at once; here it has time for a request that its
        caller has sent already."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(LAST_SECONDS, self._leave)
        else:
            self._last()

    def timeout_keep_alive_handler(self) -> None:
        """As uvicorn's; but a request that has come meanwhile is read first, and answered."""
        if not self.transport.is_closing() and _has_spoken(self.transport):
            self.timeout_keep_alive_task = self.loop.call_later(0, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, in the form of every other refusal; where an answer has begun, none is sent."""
        sentence = "the request is not HTTP/1.1, or its headers are larger than 16 KiB"
        headers = [(b"content-type", b"application/json"), CLOSE_HEADER]
        with contextlib.suppress(h11.LocalProtocolError):
            response = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            body = h11.Data(data=json.dumps({"error": sentence}).encode())
            for event in (response, body, h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _should_upgrade(self) -> bool:
        """Nobody here speaks WebSocket."""
        return False

    def _make_room(self) -> None:
        """Close the oldest connection that says nothing. One whose request is about to be read counts as the
        youngest: the loop may accept a thousand others before it reads."""
        for _ in range(LOOKS):
            oldest = next(iter(self.silent))
            del self.silent[oldest]
            if not _has_spoken(oldest.transport):
                oldest.transport.close()
                break
            self.silent[oldest] = None

    def _last(self) -> None:
        """Say beside the answer that is due that there will be no other here."""
        if not self.cycle.response_started:
            self.cycle.keep_alive = False
            scope = self.cycle.scope
            scope["headers"] = [
                *scope["headers"],
                CLOSE_HEADER,
            ]  # of the request: uvicorn copies it from there

    def _leave(self) -> None:
        if self.transport.is_closing() or not (self.cycle is None or self.cycle.response_complete):
            return
        if _has_spoken(self.transport):
            self.loop.call_later(0, self._leave)
        else:
            super().shutdown()

    def _look(self, before: object) -> None:
        """Close it where it still waits for what it waited for at the last look; then break it off."""
        now = self._waits_for()
        if now is not None and now == before:
            (self.transport.abort if self.transport.is_closing() else self.transport.close)()
        self.next = self.loop.call_later(HEADER_SECONDS, self._look, now)

    def _goes_on(self) -> bool:
        """Whether a body goes on whose request was answered, and which nobody reads any more."""
        return bool(self.cycle and self.cycle.response_complete and self.conn.their_state is h11.SEND_BODY)

    def _waits_for(self) -> tuple[str, object] | None:
        """What its caller has to do next, and after which request; None while one is read and answered."""
        if self.transport.is_closing():
            return "reads his answer", self.cycle
        if self.flow.write_paused:  # of an answer in several parts
            return "reads his answer", self.transport.get_write_buffer_size()
        if self.timeout_keep_alive_task is not None:  # nothing of a next request has come: uvicorn closes it
            return None
        if self.conn.their_state is h11.IDLE:
            return "sends headers", self.cycle
        if self.cycle is not None and self.cycle.response_complete:
            return "ends a body that was refused", self.cycle
        return None


def _has_spoken(transport: asyncio.Transport) -> bool:
    """Whether there is something to be read."""
    if (fileno := transport.get_extra_info("socket").fileno()) < 0:
        return False
    poll = select.poll()
    poll.register(fileno, select.POLLIN)
    return bool(poll.poll(0))


class Server(uvicorn.Server):
    """uvicorn's server; callers do not notice its end."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's. A worker that was killed while it ended has left the socket as it was then."""
        for one in sockets or ():
            _let_in(one)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's. The process that started the workers holds the listening sockets until they have
        ended, and who connects meanwhile would wait for nobody: so the last worker has the system refuse
        others, and all take who is there already. Who is there when the system begins to refuse would be
        reset, so for a moment before it is asked not to answer at all: who connects then asks again, after a
        second, and is refused."""
        Limited.ending = True
        group.leave()
        if last := group.left():
            for one in sockets or ():
                _hold_off(one)
        await asyncio.sleep(HANDSHAKE_SECONDS)
        await _settled()
        for one in sockets or ():
            if last and group.left():  # a worker that was being started may be ready by now
                _close(one)
            if last:
                _let_in(one)
            asyncio.get_running_loop().remove_reader(one)
        await _settled()
        await super().shutdown(sockets)


def _hold_off(listening: socket.socket) -> None:
    """Have the system pass over what asks for a new connection; elsewhere than on Linux it goes on."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in NO_NEW))
    program = struct.pack("@HP", len(NO_NEW), ctypes.addressof(code))
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def _let_in(listening: socket.socket) -> None:
    """Have the system pass over nothing any more."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # nothing was passed over
            listening.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)


def _close(listening: socket.socket) -> None:
    """Have the system refuse connections here, until somebody listens again; on a Unix socket, which BentoML
    has for a service that others ask, that would be never."""
    if listening.family != socket.AF_UNIX:
        with contextlib.suppress(OSError):  # macOS lets nobody end what only listens
            listening.shutdown(socket.SHUT_RDWR)


async def _settled() -> None:
    """Let the loop take the connections that wait, and make them, which takes it a few turns."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def limit() -> None:
    """Let uvicorn take this protocol and this server, believe no proxy that nobody has named, and have as
    many connections as the system allows."""
    auto.AutoHTTPProtocol, uvicorn.Server = Limited, Server  # type: ignore[misc]
    os.environ.setdefault(PROXIES, "")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS takes no infinity, which it says is allowed
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed != resource.RLIM_INFINITY:
        Limited.most_silent = min(MOST_SILENT, allowed // 2)
