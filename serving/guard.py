"""The door: what is too large, not JSON or of the wrong shape is refused before BentoML reads it.

BentoML itself buffers a body of any size and logs a traceback for every 400.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.bundle import card
from serving.requests import BadRequestError, parse


def refusal(error: BadRequestError) -> JSONResponse:
    """The response to a caller's mistake: {"error": sentence}."""
    return JSONResponse({"error": str(error)}, status_code=error.status)


class Guard:
    """ASGI middleware over every POST: content type, size, shape."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.limit: int = card()["limits"]["max_body_bytes"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        try:
            _check_type(Headers(scope=scope).get("content-type", ""))
            body = await self._read(Headers(scope=scope), receive)
            parse(body)
        except BadRequestError as error:
            await refusal(error)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """The body; never holds more than the limit and one chunk of the server's (64 KiB)."""
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.limit:
            raise self._too_large()
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.limit:
                raise self._too_large()
            more = message.get("more_body", False)
        return bytes(body)

    def _too_large(self) -> BadRequestError:
        return BadRequestError(
            f"the body is larger than {self.limit} bytes; send fewer or shorter texts", 413
        )


def _check_type(content_type: str) -> None:
    """Only JSON: BentoML would also take forms, and pickles on a server behind another."""
    if content_type.split(";", maxsplit=1)[0].strip().lower() != "application/json":
        found = content_type[:80] or "none"
        raise BadRequestError(f"the content type is {found}, expected application/json", 415)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then goes on with the connection."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
