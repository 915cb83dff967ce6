"""This machine's own address, for servers that nobody else is to reach: IPv4's or, without one, IPv6's."""

from __future__ import annotations

import contextlib
import socket

from components.errors import UserError

HOSTS = ("127.0.0.1", "::1")
SECONDS = 2.0  # for a connection to this very machine


def host() -> str:
    """The address that can be listened on and reached.

    Raises:
        UserError: there is none.
    """
    for one in HOSTS:
        with contextlib.suppress(OSError), socket.socket(_family(one)) as listening:
            listening.bind((one, 0))
            listening.listen()
            socket.create_connection(listening.getsockname()[:2], SECONDS).close()
            return one
    raise UserError(
        f"neither {' nor '.join(HOSTS)} can be reached on this machine, and a server is needed; bring the "
        f"network interface `lo` up"
    )


def free_port(host: str) -> int:
    """A port of this address that nothing listens on."""
    with socket.socket(_family(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def url(host: str, port: int) -> str:
    """The address of a server over HTTP."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
