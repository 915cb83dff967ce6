"""What the environment says of callers: their tokens, which params.yaml never has, for it is in git, and the
proxies that speak for them."""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from components.errors import UserError
from components.release.variables import TOKEN, TOKEN_FILE
from serving import hosts

PROXIES = "FORWARDED_ALLOW_IPS"  # uvicorn's variable: whose X-Forwarded-For says who calls
SHORTEST = 16  # characters
FORM = re.compile(r"[\w.~+/-]+=*", re.ASCII)  # RFC 6750, section 2.1


def check() -> None:
    """Look at what is configured, before there are workers.

    Raises:
        UserError: there are no tokens where some are named, or a proxy's address or a host's name is none.
    """
    tokens()
    hosts.given()
    for address in filter(None, map(str.strip, os.environ.get(PROXIES, "").split(","))):
        try:
            if address != "*":
                ipaddress.ip_network(address)
        except ValueError as error:
            raise UserError(
                f"{PROXIES}: '{address}' is no proxy's address ({error}), expected one such as 10.0.0.7 or a "
                "network such as 10.0.0.0/8"
            ) from None


def tokens(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The tokens that are configured; none, and anybody may ask.

    Raises:
        UserError: the file cannot be read, or what is configured is no token.
    """
    file, token = environment.get(TOKEN_FILE), environment.get(TOKEN)
    if file is None:
        return [] if token is None else [_checked(TOKEN, token)]
    if token is not None:
        raise UserError(f"both {TOKEN} and {TOKEN_FILE} are set; leave one out")
    found = [_checked(f"{file}:{number}", line) for number, line in _lines(file)]
    if not found:
        raise UserError(f"{file}: there is no token in it, expected one a line ({TOKEN_FILE})")
    return found


def are_asked(environment: Mapping[str, str] = os.environ) -> bool:
    """Are callers asked for a token? Its file is not read again: it may be gone since the service started."""
    return TOKEN_FILE in environment or TOKEN in environment


def digests(tokens: Sequence[str]) -> list[bytes]:
    """What `place` compares with: of equal length, so that nothing is learnt from how long that takes."""
    return [sha256(token.encode()).digest() for token in tokens]


def place(token: bytes, among: Sequence[bytes]) -> int | None:
    """Which of the digests is the token's, in a time that does not depend on it; None for none."""
    mine = sha256(token).digest()
    found = [number for number, one in enumerate(among) if hmac.compare_digest(mine, one)]
    return found[0] if found else None


def _lines(file: str) -> list[tuple[int, str]]:
    """The lines that are neither empty nor a comment, with their numbers."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UserError(f"{file}: cannot be read ({why}), expected a token a line ({TOKEN_FILE})") from None
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    return [(number, line) for number, line in numbered if line and not line.startswith("#")]


def _checked(where: str, token: str) -> str:
    """The token; what is wrong with it is said without it."""
    if len(token) < SHORTEST or not FORM.fullmatch(token):
        raise UserError(
            f"{where}: the token has {len(token)} characters, expected at least {SHORTEST} of letters, "
            "digits and -._~+/; make one with `openssl rand -hex 32`"
        )
    return token
