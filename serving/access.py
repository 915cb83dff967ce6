"""Who may ask, and how much at a time: decided by a request's headers, before its body is read.

With tokens, every page but those for health asks for one: as `Authorization: Bearer TOKEN`, or as the
password of Basic, which browsers ask their users for. Without, a request's Host must be one of the service's
(serving/hosts.py). A client is a token, or else an address; uvicorn takes the address from a proxy's
X-Forwarded-For where that proxy is named (FORWARDED_ALLOW_IPS).
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections import Counter
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from components.release.variables import HOSTS
from serving import callers
from serving.bundle import card
from serving.guard import refusal
from serving.hosts import is_ours
from serving.requests import BadRequestError, RefusedError

OPEN = frozenset(("/livez", "/readyz", "/healthz"))  # for whoever watches whether the service is well
CHALLENGES = ("Bearer", 'Basic realm="onetrunk", charset="UTF-8"')
NETWORK = 64  # bits of an IPv6 address that are one client's


class TooManyError(RefusedError):
    """This client has enough requests in progress."""

    status = 429
    after = 1


class Access:
    """ASGI middleware over every request: its token, and what else its client has in progress."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.tokens = callers.digests(callers.tokens())
        self.running: Counter[str] = Counter()  # requests of each client

    @property
    def most(self) -> int:
        """Requests that a client may have in progress, of the release that answers now."""
        return card().limits.max_requests_per_client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self.app(scope, receive, send)
            return
        client = self._client(scope)
        if not self.tokens and not is_ours(host := Headers(scope=scope).get("host", "")):
            await _misdirected(host)(scope, receive, send)
        elif client is None:
            await _unauthorised(Headers(scope=scope))(scope, receive, send)
        elif scope["method"] != "POST":
            await self.app(scope, receive, send)
        elif self.running[client] >= self.most:
            sentence = f"{self.most} of your requests are in progress; ask again when one is answered"
            await refusal(TooManyError(sentence))(scope, receive, send)
        else:
            await self._counted(client, scope, receive, send)

    async def _counted(self, client: str, scope: Scope, receive: Receive, send: Send) -> None:
        self.running[client] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.running[client] -= 1
            if not self.running[client]:
                del self.running[client]

    def _client(self, scope: Scope) -> str | None:
        """Who asks; None where there are tokens and this is none of them."""
        if not self.tokens:
            return _network((scope.get("client") or ("",))[0])
        number = callers.place(_token(Headers(scope=scope).get("authorization", "")), self.tokens)
        return None if number is None else f"token {number}"


@lru_cache(4096)
def _network(host: str) -> str:
    """The address that asks; of IPv6 the network, for a caller has many there."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket of the file system, or what a proxy has made up
        return host[:NETWORK]
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped:  # as a socket of both kinds says it
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, NETWORK), strict=False))


def _token(authorization: str) -> bytes:
    """What a header of the kinds Bearer and Basic says; nothing of any other."""
    kind, _, value = authorization.partition(" ")
    value = value.strip()
    if kind.lower() == "bearer":
        return value.encode()
    if kind.lower() != "basic":
        return b""
    try:
        return base64.b64decode(value, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _misdirected(host: str) -> JSONResponse:
    sentence = (
        f"the host is '{host:.60}', which this service does not go by: a page of that name could read its "
        f"answers; ask by address, or start it with {HOSTS} (onetrunk serve --name) or with a token"
    )
    return refusal(BadRequestError(sentence, 421))


def _unauthorised(headers: Headers) -> JSONResponse:
    found = "its token is none of this service's" if "authorization" in headers else "it has no token"
    sentence = f"{found}; expected the header 'Authorization: Bearer TOKEN'"
    response = refusal(BadRequestError(sentence, 401))
    for challenge in CHALLENGES:
        response.headers.append("WWW-Authenticate", challenge)
    return response
