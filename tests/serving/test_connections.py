"""uvicorn with our protocol, asked over sockets."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import socket
import weakref
from collections.abc import AsyncIterator, Iterable

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from serving import connections
from serving.connections import Limited, Server
from tests.serving.loopback import GET, Known, asked, served


@pytest.fixture(autouse=True)
def _nobody_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    Limited.silent.clear()
    Known.made.clear()
    monkeypatch.setattr(Limited, "ending", False)


async def aiter_of(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_a_connection_whose_headers_do_not_end_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.1)

    async def scenario() -> None:
        async with served(PlainTextResponse("here"), http=Limited) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n")
            for _ in range(3):
                await asyncio.sleep(0.04)
                writer.write(b"x: y\r\n")
            assert await asyncio.wait_for(reader.read(), 2) == b""
            writer.close()

    asyncio.run(scenario())


def test_a_body_that_goes_on_after_its_answer_is_broken_off_and_one_that_ends_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read for as long as a slow one may take, it would keep a worker from all others."""
    monkeypatch.setattr(connections, "LEFT_OVER", 200_000)
    part = b"x" * 50_000

    async def scenario() -> None:
        async with served(PlainTextResponse("here"), http=Limited) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(3):  # each has a length of its own
                writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 150000\r\n\r\n")
                await asyncio.wait_for(reader.readuntil(b"here"), 5)
                writer.write(3 * part)
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"here"), 5)
            with pytest.raises(ConnectionError):
                for _ in range(1000):
                    writer.write(b"%x\r\n%s\r\n" % (len(part), part))
                    await writer.drain()
                    await asyncio.sleep(0)

    asyncio.run(scenario())


def test_of_too_many_silent_connections_the_oldest_goes_and_the_next_request_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Limited, "most_silent", 5)

    async def scenario() -> None:
        async with served(PlainTextResponse("here"), http=Limited) as port:
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET)
            assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 200")
            assert await asyncio.wait_for(silent[0][0].read(), 2) == b""
            assert len(Limited.silent) <= 5
            for _, one in [*silent, (reader, writer)]:
                one.close()

    asyncio.run(scenario())


def test_a_request_is_not_silent_though_many_connections_are_accepted_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Limited, "most_silent", 5)

    async def scenario() -> None:
        async with served(PlainTextResponse('"here"'), http=Limited) as port:
            with contextlib.ExitStack() as opened:  # while the loop, which is the server's too, waits
                connect = [opened.enter_context(socket.socket()) for _ in range(50)]
                for number, one in enumerate(connect):
                    one.connect(("127.0.0.1", port))
                    if number == 0:
                        one.sendall(GET)
                connect[0].setblocking(False)
                found = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connect[0], 99), 5)
                assert found.startswith(b"HTTP/1.1 200")
                assert len(Limited.silent) <= 5

    asyncio.run(scenario())


@pytest.mark.parametrize("closes", ["timeout_keep_alive_handler", "_leave"])
def test_a_request_that_has_come_when_an_idle_connection_would_be_closed_is_answered(closes: str) -> None:
    async def scenario() -> None:
        async with served(PlainTextResponse("here"), http=Known) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                writer.write(GET)  # sent at once, and not read before the loop's next turn
                for one in Known.made:
                    getattr(one, closes)()
                await asyncio.wait_for(reader.readuntil(b"here"), 5)
            getattr(Known.made[-1], closes)()
            assert await asyncio.wait_for(reader.read(), 5) == b""  # where nothing has come, it is closed
            writer.close()

    asyncio.run(scenario())


def test_how_long_an_idle_connection_is_kept_is_uvicorns_to_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy before the service may keep its connections for a minute."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.02)

    async def scenario() -> None:
        async with served(PlainTextResponse("here"), http=Limited, timeout_keep_alive=60) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                writer.write(GET)
                await asyncio.wait_for(reader.readuntil(b"here"), 5)
                await asyncio.sleep(0.1)
            writer.write(GET[:9])  # but not for headers that do not end
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()

    asyncio.run(scenario())


@pytest.mark.slow
def test_of_a_connection_that_was_closed_nothing_stays_in_memory() -> None:
    async def kept() -> bool:
        async with served(PlainTextResponse("here"), http=Limited) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET)
            await reader.readline()
            (here,) = [weakref.ref(one) for one in gc.get_objects() if type(one) is Limited]
            writer.close()
            for _ in range(50):
                await asyncio.sleep(0.01)
                gc.collect()
                if here() is None:
                    break
            return here() is not None

    gc.collect()
    assert not asyncio.run(kept())


@pytest.mark.slow
@pytest.mark.parametrize(
    "sent",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # no host
        b"GET / HTTP/1.1\r\nhost: x\r\nname\xff: y\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\na",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nname: " + b"y" * 40_000,
    ],
)
def test_what_is_no_http_gets_one_sentence(sent: bytes) -> None:
    async def scenario() -> None:
        async with served(PlainTextResponse("here"), http=Limited) as port:
            line, body = await asked(port, sent)
            assert line == b"HTTP/1.1 400 Bad Request"
            assert body == {"error": "the request is not HTTP/1.1, or its headers are larger than 16 KiB"}

    asyncio.run(scenario())


def test_a_websocket_is_a_request_like_any_other() -> None:
    upgrade = b"connection: upgrade, close\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"

    async def scenario() -> None:
        async with served(PlainTextResponse('"here"'), http=Limited) as port:
            sent = b"GET / HTTP/1.1\r\nhost: x\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + upgrade
            assert await asked(port, sent + b"\r\n") == (b"HTTP/1.1 200 OK", "here")

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.parametrize("parts", [1, 300])
def test_who_does_not_read_his_answer_is_let_go(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.05)
    part = b"x" * (30_000_000 // parts)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        whole = PlainTextResponse(part) if parts == 1 else StreamingResponse(aiter_of([part] * parts))
        await whole(scope, receive, send)

    async def scenario() -> None:
        async with served(app, http=Limited, timeout_keep_alive=0) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writer.write(GET)
            await reader.read(1)
            await asyncio.sleep(0.3)
            reader._limit = 1 << 20  # so that what has come is not read byte by byte
            assert len(await reader.read()) < 30_000_000
            writer.close()

    asyncio.run(scenario())


def test_a_body_that_goes_on_without_end_after_it_was_refused_is_broken_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.05)

    async def scenario() -> None:
        async with served(PlainTextResponse("no", status_code=413), http=Limited) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            with pytest.raises(ConnectionError):
                for _ in range(500):
                    writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                    await writer.drain()
                    await asyncio.sleep(0.005)
            writer.close()

    asyncio.run(scenario())


def test_our_protocol_is_uvicorns_whatever_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn would take httptools' where that is there, and believe every proxy of this machine."""
    monkeypatch.setattr(connections.auto, "AutoHTTPProtocol", object)
    monkeypatch.setattr(connections.uvicorn, "Server", connections.uvicorn.Server)
    monkeypatch.setattr(Limited, "most_silent", 2000)
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # so that what `limit` sets is undone
    monkeypatch.delenv("FORWARDED_ALLOW_IPS")
    connections.limit()
    assert connections.auto.AutoHTTPProtocol is Limited
    assert connections.uvicorn.Server is Server
    assert connections.uvicorn.Config(None).forwarded_allow_ips == ""


def test_a_system_that_takes_no_infinity_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS, which says that infinity is allowed."""
    asked = []
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "")

    def refuses(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(connections.resource, "setrlimit", refuses)
    monkeypatch.setattr(connections.auto, "AutoHTTPProtocol", connections.auto.AutoHTTPProtocol)
    monkeypatch.setattr(connections.uvicorn, "Server", connections.uvicorn.Server)
    monkeypatch.setattr(Limited, "most_silent", 2000)
    connections.limit()  # and goes on
    assert asked == [(resource.RLIM_INFINITY, resource.RLIM_INFINITY)]
    assert Limited.most_silent == 128  # so that others find a place
