"""The way from the door to the model: POST /predict is answered without BentoML's dispatch, and GET /readyz
with more than its words.

That looks at a method's signature and at its configuration anew for every request, for as long as all else
in the server takes. What BentoML does for the endpoint beside that stays: OpenAPI, client, time limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.schemas import PARSED

PATH, READY = "/predict", "/readyz"
Respond = Callable[[Sequence[Any], Sequence[str] | None, int | None], Awaitable[Response]]
_respond: list[Respond] = []  # of this worker's service
_ready: list[Callable[[], Response]] = []  # of it


def answer_by(respond: Respond) -> None:
    """From now on this responds to texts, tasks and `top`."""
    _respond[:] = [respond]


def tell_by(ready: Callable[[], Response]) -> None:
    """From now on this tells whether the service is ready."""
    _ready[:] = [ready]


class Direct:
    """ASGI middleware, the innermost."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _ready and scope.get("path") == READY:
            await _ready[0]()(scope, receive, send)
            return
        if not _respond or scope.get("path") != PATH or (asked := scope.get(PARSED)) is None:
            await self.app(scope, receive, send)
            return
        response = await _respond[0](asked.texts, asked.tasks, asked.top)
        await response(scope, receive, send)
