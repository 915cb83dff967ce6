"""`onetrunk notify`."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

from components.errors import UserError
from flows.commands.base import Command, positive

CHANNELS = ("webhook", "slack", "email")
KINDS = ("promote", "hold", "reject", "failure")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Whom, and of what."""
    parser.add_argument("channel", nargs="?", choices=CHANNELS, metavar="CHANNEL", help=", ".join(CHANNELS))
    parser.add_argument("--on", type=_kinds, default=[*KINDS], metavar="KIND,...", help="default: all four")
    parser.add_argument(
        "--silent-days", type=positive, metavar="N", help="tell too when no run has ended well for so long"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--test", action="store_true", help="send a test to everybody who is told")
    what.add_argument("--remove", action="store_true", help="tell the channel no more; without one, nobody")


def run(given: argparse.Namespace) -> int:
    """Set up, list, try out or remove."""
    from components import params
    from flows.running import prefect_server

    root = Path.cwd()
    project = params.load().packaging.name
    address = _address(given.channel) if given.channel and not (given.test or given.remove) else None
    prefect_server.configure(root)
    server = prefect_server.start()

    from flows.notifications import automations, events

    if address is not None:
        lasts = not prefect_server.is_own()
        automations.set_up(project, given.channel, address, given.on, given.silent_days, lasts)
        print(f"set up on {server if lasts else OWN}")
    elif given.remove:
        removed = automations.remove(project, given.channel)
        print("\n".join(f"removed: {name}" for name in removed) or "nothing was set up that could be removed")
    elif given.test:
        return _tried(events.try_out(root, project))
    print("\n".join(one.name for one in automations.of_project(project)) or NOBODY)
    return 0


OWN = (
    "this project's own Prefect server, which lives as long as a run: of a run that is killed you are told "
    "when the next one begins (PREFECT_API_URL names a server that is always there)"
)
NOBODY = "nobody is told of this project's runs; set a channel up: onetrunk notify CHANNEL"


def _tried(found: dict[str, bool]) -> int:
    """Say how each has gone."""
    if not found:
        raise UserError(
            "nobody is told of this project's runs; set a channel up first: onetrunk notify CHANNEL"
        )
    for name, arrived in found.items():
        print(f"{'sent' if arrived else 'NOT sent'}: {name}")
    return 0 if all(found.values()) else 1


def _kinds(text: str) -> list[str]:
    found = text.split(",")
    for kind in found:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"found '{kind}', expected some of {','.join(KINDS)}")
    return [kind for kind in KINDS if kind in found]


def _address(channel: str) -> str:
    """Asked for, or read from standard input: what stands on a command line is seen by others."""
    if sys.stdin is not None and sys.stdin.isatty():
        return getpass.getpass(f"address of {channel} (not shown): ").strip()
    return sys.stdin.readline().strip() if sys.stdin is not None else ""


COMMAND = Command(
    run,
    "tell a webhook, Slack or a mailbox what runs come to",
    "Have Prefect tell a channel of HOLD, REJECT, PROMOTE and failures (docs/how-to/notifications.md). The "
    "address is asked for, or read from standard input, and kept as a secret of Prefect's server. Without a "
    "channel: who is told. The same command again changes what is there.",
    arguments=arguments,
)
