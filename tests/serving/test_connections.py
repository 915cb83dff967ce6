"""uvicorn with our protocol, asked over sockets."""

from __future__ import annotations

import asyncio
import gc
import resource
import weakref

import pytest
from starlette.responses import PlainTextResponse

from serving import connections
from serving.connections import Limited
from tests.serving.loopback import served

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(autouse=True)
def _nobody_is_silent() -> None:
    Limited.silent.clear()


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


def test_of_too_many_silent_connections_the_oldest_goes_and_the_next_request_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "MOST_SILENT", 5)

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


def test_a_system_that_takes_no_infinity_keeps_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS, which says that infinity is allowed."""
    asked = []

    def refuses(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits)
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(connections.resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(connections.resource, "setrlimit", refuses)
    monkeypatch.setattr(connections.auto, "AutoHTTPProtocol", connections.auto.AutoHTTPProtocol)
    connections.limit()  # and goes on
    assert asked == [(resource.RLIM_INFINITY, resource.RLIM_INFINITY)]
