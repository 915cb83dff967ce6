import asyncio
import json

import pytest
from starlette.types import Message, Receive, Scope, Send

from components.release.records import BundleCard, Limits
from serving.guard import Guard

CHUNK = b"x" * 10_000
LIMIT = 50_000


class Caller:
    """Sends a body in chunks and counts what was asked of it; the app behind the guard is `reached`."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.read = 0
        self.reached: list[bytes] = []
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        self.read += 1
        return {
            "type": "http.request",
            "body": self.chunks[self.read - 1],
            "more_body": self.read < len(self.chunks),
        }

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.append((await receive())["body"])

    def post(self, **headers: str) -> int | None:
        """Post through the guard; the status it refused with, None where it let the request through."""
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": raw}
        asyncio.run(Guard(self.app)(scope, self.receive, self.send))
        return self.sent[0]["status"] if self.sent else None


@pytest.fixture(autouse=True)
def _card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a bundle's card the guard reads the limits alone."""
    limits = Limits(max_texts=8, max_characters=2000, max_body_bytes=LIMIT)
    monkeypatch.setattr("serving.guard.card", lambda: BundleCard.model_construct(limits=limits))


def test_no_more_than_the_limit_and_one_chunk_is_ever_read() -> None:
    caller = Caller([CHUNK] * 1000)
    assert caller.post(content_type="application/json") == 413
    assert caller.read == LIMIT // len(CHUNK) + 1
    assert not caller.reached


def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    caller = Caller([CHUNK] * 1000)
    assert caller.post(content_type="application/json", content_length=str(LIMIT + 1)) == 413
    assert caller.read == 0


def test_a_false_declared_length_does_not_open_the_door() -> None:
    assert Caller([CHUNK] * 1000).post(content_type="application/json", content_length="7") == 413


def test_another_content_type_is_refused_unread() -> None:
    caller = Caller([CHUNK])
    assert caller.post(content_type="application/vnd.bentoml+pickle") == 415
    assert caller.read == 0


def test_a_good_request_passes_whole() -> None:
    body = json.dumps({"texts": ["a"]}).encode()
    caller = Caller([body[:5], body[5:]])
    assert caller.post(content_type="Application/JSON; charset=utf-8") is None
    assert caller.reached == [body]
