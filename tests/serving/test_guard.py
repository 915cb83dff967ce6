import asyncio
import json
import time

import pytest
from starlette.types import Message, Receive, Scope, Send

from components.release.records import BundleCard, Limits
from serving.guard import Guard
from serving.requests import BadRequestError, parse
from serving.schemas import PARSED

CHUNK = b"x" * 10_000
LIMIT = 50_000


class Caller:
    """Sends a body in chunks and counts what was asked of it; the app behind the guard is `reached`."""

    def __init__(self, chunks: list[bytes]) -> None:
        self.chunks = chunks
        self.read = 0
        self.reached: list[bytes] = []
        self.sent: list[Message] = []
        self.pause = self.works = 0.0  # seconds before a chunk; of the app
        self.patience = 60.0  # seconds until the caller hangs up
        self.answered = 0

    async def receive(self) -> Message:
        self.read += 1
        if self.read > len(self.chunks):
            await asyncio.sleep(self.patience)
            return {"type": "http.disconnect"}
        await asyncio.sleep(self.pause)
        return {
            "type": "http.request",
            "body": self.chunks[self.read - 1],
            "more_body": self.read < len(self.chunks),
        }

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached.append((await receive())["body"])
        assert scope[PARSED].texts == ["a"]
        await asyncio.sleep(self.works)
        self.answered += 1

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


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.guard.BODY_SECONDS", 0.05)
    caller = Caller([CHUNK, CHUNK])
    caller.pause = 0.04
    assert caller.post(content_type="application/json") == 408
    assert not caller.reached


def test_large_bodies_of_many_callers_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.guard.BODIES", 0.1)
    caller = Caller([CHUNK, CHUNK])
    assert caller.post(content_type="application/json") == 503
    assert dict(caller.sent[0]["headers"])[b"retry-after"] == b"1"


def test_what_a_caller_who_hung_up_has_asked_is_cancelled() -> None:
    caller = Caller([json.dumps({"texts": ["a"]}).encode()])
    caller.patience, caller.works = 0.01, 30.0
    assert caller.post(content_type="application/json") is None
    assert caller.reached
    assert not caller.answered


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"texts": [{"turns": [' + b"1," * 20_000 + b"1]}]}", "texts[0].turns[0]: found a number"),
        (b'{"texts": [' + b"1," * 20_000 + b"1]}", "texts[0]: found a number"),
        (b'{"texts": [' + b"{}," * 12_000 + b"{}]}", "texts: found a list, expected a list of at most 10000"),
        (
            b'{"texts": [{' + b",".join(b'"k%d":1' % n for n in range(4000)) + b"}]}",
            "the body has 4001 unknown keys or values of the wrong kind",
        ),
    ],
)
def test_of_a_body_with_thousands_of_faults_the_first_is_named_at_once(body: bytes, sentence: str) -> None:
    start = time.process_time()
    with pytest.raises(BadRequestError) as refused:
        parse(body)
    assert str(refused.value).startswith(sentence)
    assert time.process_time() - start < 0.5
