import asyncio
import json
import time
from collections.abc import Callable

import pytest
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from components.release.records import BundleCard, Limits
from serving import faults
from serving.guard import Guard, refusal
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
        self.whole = True  # the last chunk ends the body
        self.begins = False  # the app sends something before it works
        self.fails: Exception | None = None

    async def receive(self) -> Message:
        self.read += 1
        if self.read > len(self.chunks):
            await asyncio.sleep(self.patience)
            return {"type": "http.disconnect"}
        await asyncio.sleep(self.pause)
        return {
            "type": "http.request",
            "body": self.chunks[self.read - 1],
            "more_body": not self.whole or self.read < len(self.chunks),
        }

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.fails:
            raise self.fails
        self.reached.append((await receive())["body"])
        assert scope[PARSED].texts == ["a"]
        if self.begins:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(self.works)
        self.answered += 1

    def post(
        self, method: str = "POST", around: Callable[[ASGIApp], ASGIApp] = lambda app: app, **headers: str
    ) -> int | None:
        """Post through the guard; the status it refused with, None where it let the request through."""
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": "/predict", "headers": raw}
        asyncio.run(around(Guard(self.app))(scope, self.receive, self.send))
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


def test_a_compressed_body_is_refused_unread() -> None:
    caller = Caller([CHUNK])
    assert caller.post(content_type="application/json", content_encoding="gzip") == 415
    assert caller.read == 0


def test_a_byte_order_mark_is_no_part_of_the_request() -> None:
    assert parse(b'\xef\xbb\xbf{"texts": ["a"]}').texts == ["a"]


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
    assert caller.post(content_type="application/json") == 499
    assert caller.reached
    assert not caller.answered


def test_who_leaves_in_the_middle_of_an_answer_is_no_failure() -> None:
    caller = Caller([json.dumps({"texts": ["a"]}).encode()])
    caller.patience, caller.works, caller.begins = 0.01, 30.0, True
    assert caller.post(content_type="application/json") == 200
    assert not caller.answered
    assert len(caller.sent) == 1


def test_bentomls_timer_lets_go_of_a_caller_who_hung_up() -> None:
    """The timer, BentoML's own, holds a request until something is sent, a minute at most."""
    caller = Caller([json.dumps({"texts": ["a"]}).encode()])
    caller.patience, caller.works = 0.01, 30.0
    start = time.monotonic()
    caller.post(around=lambda app: TimeoutMiddleware(app, 5.0), content_type="application/json")
    assert time.monotonic() - start < 2
    assert [message.get("status") for message in caller.sent] == [499, None]


def test_who_hangs_up_within_the_body_has_made_no_mistake() -> None:
    caller = Caller([b'{"texts": ["'])
    caller.patience, caller.whole = 0.0, False
    assert caller.post(content_type="application/json") == 499
    assert not caller.reached


def test_a_refusal_is_one_line_whatever_names_a_caller_makes_up() -> None:
    said = json.loads(bytes(refusal(BadRequestError("tasks: unknown task 'a\r\n b'; expected ner")).body))
    assert said == {"error": "tasks: unknown task 'a b'; expected ner"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_failure_before_an_answer_is_a_sentence_and_a_line_of_log(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error's words may quote the caller's text; they are in no log but that for debugging."""
    logged: dict[str, str] = {}
    for level in ("error", "debug"):
        keep = lambda line, *values, level=level: logged.__setitem__(level, line % values)  # noqa: E731
        monkeypatch.setattr(faults.LOG, level, keep)
    caller = Caller([json.dumps({"texts": ["a"]}).encode()])
    caller.fails = ZeroDivisionError("of ours")
    assert caller.post(method=method, content_type="application/json") == 500
    assert json.loads(caller.sent[1]["body"]) == {"error": "the service failed; its log says why"}
    assert logged["error"].startswith(
        "a request failed: ZeroDivisionError; its words are logged with BENTOML_DEBUG=TRUE"
    )
    assert "serving/guard.py" in logged["error"]
    assert "of ours" not in logged["error"]
    assert logged["debug"] == "ZeroDivisionError: of ours"


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


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"texts": ["good"], "texts": ["bad"]}', "texts"),
        (b'{"texts": [{"text": "good", "\\u0074ext": "bad"}]}', "text"),  # written in another way
        (b'\xef\xbb\xbf{"texts": ["good"], "top": 1, "top": 1}', "top"),
    ],
)
def test_of_a_key_that_is_there_twice_neither_value_is_taken(body: bytes, key: str) -> None:
    with pytest.raises(BadRequestError, match=f"^the body is ambiguous: the key '{key}' is there twice$"):
        parse(body)
