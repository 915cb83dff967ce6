"""Who may ask, in process: tokens, addresses, and how much of one client is in progress."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from components.errors import UserError
from components.release import variables
from serving import callers
from serving.access import Access
from tests.serving.doors import MOST, ONE, ask, status

pytestmark = pytest.mark.usefixtures("only_limits")
OTHER = "b" * 24


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"whoever:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Bearer {ONE}", 200),
        (f"bearer  {OTHER} ", 200),
        (basic(ONE), 200),
        (f"Bearer {ONE[:-1]}", 401),
        (f"Bearer {ONE}a", 401),
        ("Bearer ", 401),
        ("Bearer \xff\xfe", 401),
        (basic(""), 401),
        ("Basic !!", 401),
        ("Basic " + base64.b64encode(ONE.encode()).decode(), 401),
        (ONE, 401),
        (f"Digest {ONE}", 401),
    ],
)
def test_with_tokens_only_who_sends_one_is_answered(
    header: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tokens").write_text(f"# of the desk\n{ONE}\n\n{OTHER}\n")
    monkeypatch.setenv(variables.TOKEN_FILE, str(tmp_path / "tokens"))
    app = Access(JSONResponse({}))
    assert status(app, authorization=header) == expected
    assert status(app) == 401


def test_who_has_no_token_is_told_how_to_send_one_and_a_browser_asks_its_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variables.TOKEN, ONE)
    found, headers, body = asyncio.run(ask(Access(JSONResponse({}))))
    assert (found, body) == (
        401,
        {"error": "it has no token; expected the header 'Authorization: Bearer TOKEN'"},
    )
    challenges = [value for name, value in headers if name == b"www-authenticate"]
    assert challenges == [b"Bearer", b'Basic realm="onetrunk", charset="UTF-8"']


def test_health_is_open_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variables.TOKEN, ONE)
    app = Access(JSONResponse({}))
    assert [status(app, path=path) for path in ("/livez", "/readyz", "/healthz")] == [200] * 3


def test_each_digest_is_compared_whole_and_all_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the time says nothing of the tokens."""
    seen: list[tuple[bytes, bytes]] = []
    compare = callers.hmac.compare_digest

    def compared(one: bytes, other: bytes) -> bool:
        seen.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(callers.hmac, "compare_digest", compared)
    assert callers.place(ONE.encode(), callers.digests([ONE, OTHER, "c" * 99])) == 0
    assert len(seen) == 3
    assert {len(one) for pair in seen for one in pair} == {32}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {variables.TOKEN: ""},
            "ONETRUNK_TOKEN: the token has 0 characters, expected at least 16 of letters",
        ),
        ({variables.TOKEN: "a" * 15}, "ONETRUNK_TOKEN: the token has 15 characters"),
        ({variables.TOKEN: "two words of it, as one"}, "ONETRUNK_TOKEN: the token has 23 characters"),
        (
            {variables.TOKEN: ONE, variables.TOKEN_FILE: "x"},
            "both ONETRUNK_TOKEN and ONETRUNK_TOKEN_FILE are set",
        ),
        ({variables.TOKEN_FILE: "nowhere"}, "nowhere: cannot be read (No such file or directory)"),
        ({variables.TOKEN_FILE: "."}, ".: cannot be read (Is a directory)"),
        ({variables.TOKEN_FILE: "empty"}, "empty: there is no token in it, expected one a line"),
        ({variables.TOKEN_FILE: "short"}, "short:2: the token has 3 characters"),
        ({variables.TOKEN_FILE: "binary"}, "binary: cannot be read (it is not text)"),
        ({callers.PROXIES: "10.0.0.0/33"}, "FORWARDED_ALLOW_IPS: '10.0.0.0/33' is no proxy's address"),
        ({callers.PROXIES: "::1, proxy"}, "FORWARDED_ALLOW_IPS: 'proxy' is no proxy's address"),
    ],
)
def test_what_is_configured_wrongly_is_said_in_one_sentence_without_the_token(
    given: dict[str, str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"empty": b"\n# none\n", "short": b"\nabc\n", "binary": b"\xff\xfe" * 20}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError) as refused:
        callers.check()
    assert str(refused.value).startswith(sentence)
    assert "abc" not in str(refused.value)


class Slow:
    """An app that answers when it is told to."""

    def __init__(self) -> None:
        self.free = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.free.wait()
        await JSONResponse({})(scope, receive, send)


async def together(clients: list[str], **headers: str) -> tuple[list[Any], Access]:
    """The answers to posts that come at once, one of each client."""
    slow = Slow()
    app = Access(slow)
    asked = [asyncio.ensure_future(ask(app, "POST", client, **headers)) for client in clients]
    await asyncio.sleep(0)
    slow.free.set()
    return [(found, body) for found, _, body in await asyncio.gather(*asked)], app


def test_of_one_client_a_few_requests_are_in_progress_and_others_have_their_own() -> None:
    answers, app = asyncio.run(together(["10.0.0.1"] * (MOST + 1) + ["10.0.0.2"]))
    assert [found for found, _ in answers] == [200] * MOST + [429, 200]
    assert answers[MOST][1] == {"error": "3 of your requests are in progress; ask again when one is answered"}
    assert not app.running  # nothing is kept of who has his answer
    assert asyncio.run(ask(app, "POST"))[0] == 200


def test_a_network_of_ipv6_is_one_client() -> None:
    near = [f"2001:db8::{number}" for number in range(MOST + 1)]
    answers, _ = asyncio.run(together([*near, "2001:db8:0:1::1", "::ffff:10.0.0.1"]))
    assert [found for found, _ in answers] == [200] * MOST + [429, 200, 200]


def test_an_address_is_one_client_whichever_way_a_socket_says_it() -> None:
    answers, _ = asyncio.run(together(["10.0.0.1"] * MOST + ["::ffff:10.0.0.1"]))
    assert [found for found, _ in answers] == [200] * MOST + [429]


def test_a_token_is_one_client_wherever_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variables.TOKEN, ONE)
    addresses = [f"10.0.0.{number}" for number in range(MOST + 1)]
    answers, _ = asyncio.run(together(addresses, authorization=f"Bearer {ONE}"))
    assert [found for found, _ in answers] == [200] * MOST + [429]


def test_pages_know_of_tokens_whose_file_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tokens"
    file.write_text(ONE)
    monkeypatch.setenv(variables.TOKEN_FILE, str(file))
    callers.check()
    file.unlink()
    assert callers.are_asked()
    monkeypatch.delenv(variables.TOKEN_FILE)
    assert not callers.are_asked()
