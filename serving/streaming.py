"""POST /stream: what tasks write is sent while they write it, a line of JSON each; the last is the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from serving.bundle import Served
from serving.faults import log_fault
from serving.questions import Answers
from serving.releases import Found, Releases
from serving.requests import BadRequestError, RefusedError

UNBUFFERED = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}  # for proxies that wait for more
Answered = Callable[[Served, list[Answers]], bytes]  # the body of an answer


class Progress:
    """What has been written so far, by task: who reads slowly skips some of it."""

    def __init__(self) -> None:
        self._new: Answers = {}
        self._some = asyncio.Event()

    def told(self, task: str, answer: BaseModel) -> None:
        """Keep it until it is sent."""
        self._new[task] = answer
        self._some.set()

    async def next(self) -> Answers:
        """What is new; waits for it."""
        await self._some.wait()
        self._some.clear()
        found, self._new = self._new, {}
        return found


async def lines(
    releases: Releases, texts: Sequence[Any], tasks: Sequence[str] | None, top: int | None, body: Answered
) -> AsyncIterator[bytes]:
    """The lines about the only text; the last is the `body` of all answers, or says what failed. Who reads no
    further costs no more of the model.

    Raises:
        RefusedError: as `Releases.answer`, or there are several texts; before any line.
    """
    if len(texts) > 1:
        raise BadRequestError(f"texts: found {len(texts)} texts, expected one")
    began = False
    try:
        async for found in _answers(releases, texts, tasks, top):
            yield (
                body(*found) if isinstance(found, tuple) else to_json({"so_far": found}, inf_nan_mode="null")
            ) + b"\n"
            began = True
    except Exception as error:
        if not began:
            raise
        yield to_json({"error": _sentence(error)}) + b"\n"


async def _answers(
    releases: Releases, texts: Sequence[Any], tasks: Sequence[str] | None, top: int | None
) -> AsyncIterator[Answers | Found]:
    """The answers so far, then all of them and who gave them."""
    progress = Progress()
    answering = asyncio.ensure_future(releases.answer(texts, tasks, top, progress.told))
    some = asyncio.ensure_future(progress.next())
    try:
        while not answering.done():
            await asyncio.wait((answering, some), return_when=asyncio.FIRST_COMPLETED)
            if some.done() and not answering.done():
                yield some.result()
                some = asyncio.ensure_future(progress.next())
        yield answering.result()
    finally:
        answering.cancel()
        some.cancel()


def _sentence(error: Exception) -> str:
    if isinstance(error, RefusedError):
        return str(error)
    log_fault("a stream failed", error)
    return "the service failed; its log says why"
