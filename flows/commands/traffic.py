"""`onetrunk traffic`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command, positive


def arguments(parser: argparse.ArgumentParser) -> None:
    """How many windows."""
    parser.add_argument(
        "--limit", type=positive, default=10, metavar="N", help="windows, the newest; default: %(default)s"
    )


def run(given: argparse.Namespace) -> int:
    """Judge what is not judged yet, and show the newest windows."""
    from components import params
    from components.monitoring import retraining
    from components.monitoring.traffic import judging
    from components.monitoring.traffic.words import in_words
    from components.turn import turn
    from flows.monitoring.judging import judge

    root = Path.cwd()
    with turn(root / judging.LOCK):
        judge(root, params.load())
    windows = [window for _, window in judging.judgements(root)][-given.limit :]
    print("\n".join(map(in_words, windows)) or "no window of traffic has ended yet")
    for one in retraining.every(root)[-1:]:
        came_to = one.outcome or "no run has answered it yet"
        print(f"a retraining was asked for on {one.asked:%Y-%m-%d} by {one.reason}: {came_to}")
    return 0


COMMAND = Command(
    run,
    "have the texts that the service is asked shifted?",
    "Compare each day of the service's traffic with the first texts that its release was asked, and say what "
    "has moved (docs/how-to/traffic.md). On a schedule, the flow flows.traffic does it and raises an event.",
    arguments=arguments,
)
