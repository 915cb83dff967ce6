"""The door: what is too large, too slow, not JSON or of the wrong shape is refused before BentoML reads it,
and what a caller who hung up has asked is cancelled.

BentoML itself buffers a body of any size, waits for it for ever, and logs a traceback for every 400. Its
timer holds a request until something is sent, a minute at most: so something always is, also to who hung up.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving import feedback
from serving.bundle import card
from serving.faults import log_fault
from serving.requests import BadRequestError, BusyError, RefusedError, parse
from serving.schemas import PARSED

BODY_SECONDS = 20.0  # for a whole body
FEEDBACK = "/feedback"
LEFT = 499  # the status of who hung up, whom the server sends nothing any more
BODIES = 64  # of the largest size, that all callers together may be sending


def refusal(error: RefusedError) -> JSONResponse:
    """The response to what is not answered: {"error": sentence}, in one line though a name in it may have
    several, and when to ask again."""
    headers = {} if error.after is None else {"Retry-After": str(error.after)}
    return JSONResponse({"error": " ".join(str(error).split())}, status_code=error.status, headers=headers)


class HungUpError(Exception):
    """The caller is gone."""


class Guard:
    """ASGI middleware over every POST: content type, size, time, shape."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.held = 0  # bytes of bodies that are being read

    @property
    def limit(self) -> int:
        """Bytes of a body, of the release that answers now."""
        return card().limits.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._answer(scope, receive, sending)
        except Exception as error:
            if not began:
                await _instead(error)(scope, receive, send)
            elif not isinstance(error, HungUpError):
                raise

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        _check_type(Headers(scope=scope))
        body = await self._timely(Headers(scope=scope), receive)
        scope[PARSED] = feedback.parse(body) if scope["path"] == FEEDBACK else parse(body)
        await self._watched(scope, body, receive, send)

    async def _watched(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Answer, unless the caller hangs up before."""
        answering = asyncio.ensure_future(self.app(scope, _replay(body, receive), send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            left = not answering.done()
            answering.cancel()
        if left:
            await asyncio.wait((answering,))
            raise HungUpError
        answering.result()

    async def _timely(self, headers: Headers, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                return await self._read(headers, receive)
        except TimeoutError:
            raise BadRequestError(f"the body took longer than {BODY_SECONDS:.0f} s to come", 408) from None

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        """The body; never holds more than the limit and one chunk of the server's (64 KiB)."""
        declared = headers.get("content-length", "")
        if declared.isdigit() and int(declared) > self.limit:
            raise self._too_large()
        body = bytearray()
        more = True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise HungUpError
                body += message.get("body", b"")
                self.held += len(message.get("body", b""))
                self._check(len(body))
                more = message.get("more_body", False)
        finally:
            self.held -= len(body)
        return bytes(body)

    def _check(self, size: int) -> None:
        if size > self.limit:
            raise self._too_large()
        if self.held > BODIES * self.limit:
            raise BusyError("too many large requests are being sent; ask again later")

    def _too_large(self) -> BadRequestError:
        return BadRequestError(
            f"the body is larger than {self.limit} bytes; send fewer or shorter texts", 413
        )


def _instead(error: Exception) -> Response:
    """What is sent where there is no answer."""
    if isinstance(error, RefusedError):
        return refusal(error)
    if isinstance(error, HungUpError):
        return Response(status_code=LEFT)
    log_fault("a request failed", error)
    return JSONResponse({"error": "the service failed; its log says why"}, status_code=500)


def _check_type(headers: Headers) -> None:
    """Only JSON as it is: BentoML would also take forms, and pickles on a server behind another."""
    content_type, encoding = headers.get("content-type", ""), headers.get("content-encoding", "identity")
    if encoding.strip().lower() != "identity":
        raise BadRequestError(f"the content encoding is {encoding:.80}, expected none", 415)
    if content_type.split(";", maxsplit=1)[0].strip().lower() != "application/json":
        found = content_type[:80] or "none"
        raise BadRequestError(f"the content type is {found}, expected application/json", 415)


async def _gone(receive: Receive) -> None:
    """Wait until the caller has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then goes on with the connection."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
