"""By which names a service without a token may be called: a page of another name gets no answer."""

from __future__ import annotations

import asyncio

import pytest
from starlette.responses import JSONResponse

from components.errors import UserError
from components.release import variables
from serving import hosts
from serving.access import Access
from tests.serving.doors import ONE, ask, status

pytestmark = pytest.mark.usefixtures("only_limits")


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(variables.HOSTS, raising=False)
    monkeypatch.setattr(hosts.socket, "gethostname", lambda: "Desk7.example.com")
    hosts._own.cache_clear()
    hosts.is_ours.cache_clear()


@pytest.mark.parametrize(
    "host",
    [
        "localhost:3000", "LocalHost", "127.0.0.1:3000", "[::1]:3000", "10.0.0.7", "service:3000",
        "desk.default.svc", "desk.default.svc.cluster.local:80", "desk7.example.com:3000", "desk7", "printer.local",
        "host.docker.internal:3000", "desk7.example.com.", "",
    ],
)  # fmt: skip
def test_addresses_and_names_that_nobody_can_own_are_answered(host: str) -> None:
    assert status(Access(JSONResponse({})), host=host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example:3000",
        "127.0.0.1@evil.example", "evil.example.", "svc.evil.example", "localhost:3000.evil.example", "desk7.example.org",
        "evil example", "[::1].evil.example", "127.1.evil.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/predict", "/feedback", "/metrics", "/", "/history"])
def test_a_page_of_another_name_reads_nothing_and_sends_nothing(host: str, path: str) -> None:
    method = "POST" if path in ("/predict", "/feedback") else "GET"
    code, _, body = asyncio.run(ask(Access(JSONResponse({})), method=method, host=host, path=path))
    assert code == 421
    assert body["error"].startswith(f"the host is '{host[:60]}', which this service does not go by")


def test_whoever_watches_its_health_may_call_it_as_he_likes() -> None:
    assert status(Access(JSONResponse({})), host="evil.example", path="/readyz") == 200


def test_with_a_token_the_name_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variables.TOKEN, ONE)
    app = Access(JSONResponse({}))
    assert status(app, host="desk.example.org", authorization=f"Bearer {ONE}") == 200
    assert status(app, host="desk.example.org") == 401


def test_names_that_are_given_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variables.HOSTS, "Desk.example.org , texts.example.org")
    app = Access(JSONResponse({}))
    assert status(app, host="desk.example.org:443") == 200
    assert status(app, host="texts.example.org") == 200
    assert status(app, host="other.example.org") == 421


def test_any_name_may_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variables.HOSTS, "*")
    assert status(Access(JSONResponse({})), host="evil.example") == 200


@pytest.mark.parametrize(
    "name", ["https://desk.example.org", "desk.example.org:3000", "*.example.org", "a b"]
)
def test_what_is_no_name_is_refused_before_it_starts(name: str) -> None:
    with pytest.raises(UserError, match="is no name of a host, expected one such as desk.example.com"):
        hosts.given({variables.HOSTS: name})
