"""By which names a service without a token may be called.

Whoever owns a name may have it lead to this machine (DNS rebinding), and a page of that name in a browser
that can reach the service would be one origin with it: it could read every answer and send feedback. Such a
page's requests name its own host. So without a token a host is an address, which is nobody's, a name that
nobody can own in public, the machine's own, or one that whoever serves has given.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Collection, Mapping
from functools import cache, lru_cache

from components.errors import UserError
from components.release.variables import HOSTS

ANY = "*"
PRIVATE = ("localhost", "local", "internal", "test", "home.arpa")  # RFC 6761, 6762, 8375; ICANN 2024
CLUSTER = ("svc", "cluster.local")  # of Kubernetes
NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def given(environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The names that whoever serves has given.

    Raises:
        UserError: one is none.
    """
    names = [name.strip().lower() for name in environment.get(HOSTS, "").split(",") if name.strip()]
    for name in names:
        if name != ANY and not NAME.fullmatch(name):
            raise UserError(
                f"{HOSTS}: '{name:.60}' is no name of a host, expected one such as desk.example.com "
                f"without a port, or {ANY} for any"
            )
    return frozenset(names)


@lru_cache(1024)
def is_ours(header: str) -> bool:
    """Whether the Host of a request is one that this service may be called by."""
    return _is_known(_without_port(header.lower()), _own())


@cache
def _own() -> frozenset[str]:
    return given() | {socket.gethostname().lower()}


def _is_known(host: str, own: Collection[str]) -> bool:
    name = host.rstrip(".")
    if ANY in own or name in own or not name:
        return True
    try:
        return bool(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    private = any(name.endswith(f".{one}") for one in (*PRIVATE, *CLUSTER))
    return private or ("." not in name and NAME.fullmatch(name) is not None)


def _without_port(header: str) -> str:
    host, colon, port = header.strip().rpartition(":")
    return host if colon and port.isdecimal() else header.strip()
