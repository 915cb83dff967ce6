"""The service's doors, asked in process."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.types import Message

from serving.access import Access

ONE = "a" * 24  # a token
MOST = 3  # requests of a client that are in progress


async def ask(
    app: Access, method: str = "GET", client: str = "10.0.0.1", path: str = "/tasks", **headers: str
) -> tuple[int, list[tuple[bytes, bytes]], Any]:
    """(status, headers, body) of the answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "client": (client, 1)}
    await app(scope, receive, send)
    return sent[0]["status"], sent[0]["headers"], json.loads(sent[1]["body"])


def status(app: Access, **given: str) -> int:
    code, _, _ = asyncio.run(ask(app, **given))
    return code
