"""`onetrunk serve`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command


def arguments(parser: argparse.ArgumentParser) -> None:
    """What, and where."""
    parser.add_argument(
        "--bento", type=Path, metavar="PATH", help="a Bento's folder; default: the champion's"
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, this machine only")
    parser.add_argument("--port", type=_port, default=3000, help="default: %(default)s")


def run(given: argparse.Namespace) -> int:
    """Become the server."""
    from flows import champion

    if given.bento:
        champion.serve_bento(given.bento, given.host, given.port)
    else:
        champion.serve(Path.cwd(), given.host, given.port)
    return 0


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
)
