"""A server of an app within the test's own loop, on a free port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import uvicorn

from serving.connections import Limited

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


class Known(Limited):
    """The service's protocol, of which a test has every connection."""

    made: ClassVar[list[Limited]] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As before, and kept."""
        super().connection_made(transport)
        self.made.append(self)


@contextlib.asynccontextmanager
async def served(
    app: Any, kind: type[uvicorn.Server] = uvicorn.Server, **settings: Any
) -> AsyncIterator[int]:
    """Its port, while the block lasts; `settings` are uvicorn's."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = kind(uvicorn.Config(app, lifespan="off", log_config=None, **settings))
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        await serving


async def asked(port: int, sent: bytes) -> tuple[bytes, dict[str, str]]:
    """The first line of the answer, and its body, of a connection that is closed then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    writer.close()
    return head.splitlines()[0], json.loads(body)
