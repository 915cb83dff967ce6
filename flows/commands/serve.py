"""`onetrunk serve`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from components.loopback import HOSTS
from components.release import variables
from flows.commands.base import Command, with_releases


def arguments(parser: argparse.ArgumentParser) -> None:
    """What, and where."""
    parser.add_argument(
        "--bento", type=Path, metavar="PATH", help="a Bento's folder; default: the champion's"
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine only")
    parser.add_argument("--port", type=_port, default=3000, help="default: %(default)s")
    parser.add_argument(
        "--workers", metavar="N", help="processes that answer, each with a model of its own; default: 1"
    )
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE",
        help="a bearer token a line, of which callers have to send one; default: ask for none",
    )  # fmt: skip
    parser.add_argument(
        "--proxy", action="append", metavar="ADDRESS",
        help="whose X-Forwarded-For says who calls, an address or a network; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--name", action="append",
        help="a name (DNS) by which callers know it, where it asks for no token; may be given again",
    )  # fmt: skip


def run(given: argparse.Namespace) -> int:
    """Become the server."""
    from flows import champion
    from serving import callers, group

    os.environ |= _variables(given)
    callers.check()
    group.configured()
    if given.host not in HOSTS and not callers.tokens():
        print(
            f"{given.host}: whoever reaches it may ask; --token-file FILE asks for a token", file=sys.stderr
        )
    if given.bento:
        champion.serve_bento(given.bento, given.host, given.port)
    else:
        champion.serve(Path.cwd(), given.host, given.port)
    return 0


def _variables(given: argparse.Namespace) -> dict[str, str]:
    """What is given, as the service reads it."""
    from serving import callers

    file = given.token_file and str(given.token_file.absolute())
    found = {
        variables.WORKERS: given.workers,
        variables.TOKEN_FILE: file,
        callers.PROXIES: ",".join(given.proxy or ()),
        variables.HOSTS: ",".join(given.name or ()),
    }
    return {name: value for name, value in found.items() if value}


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"found '{text}', expected a port from 1 to 65535")
    return int(text)


COMMAND = Command(
    run,
    "serve the champion over HTTP",
    "Serve the champion. A new one, or the one that `onetrunk rollback` goes back to, is loaded beside it "
    "and takes over without a request being lost; `rollout` in params.yaml tries it on a share of the "
    "traffic first. With --bento this Bento is served, and stays.",
    arguments=arguments,
    check=with_releases,
)
