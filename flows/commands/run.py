"""`onetrunk run`."""

from __future__ import annotations

import argparse

from flows.commands.base import Command


def run(given: argparse.Namespace) -> int:
    """Run every stage that is not up to date."""
    from flows.running import pipeline

    return pipeline.bring_up_to_date(target=None)


COMMAND = Command(
    run,
    "bring everything up to date: data, model, evaluation, gate, Bento",
    "Bring everything up to date. Stages whose inputs have not changed are skipped, so the command can "
    "be given again at any time, and after an interruption it goes on where it was. It ends with 0 when "
    "everything is up to date and released, with 1 when a stage failed, with 2 for a mistake in settings "
    "or data or when the gate did not say PROMOTE, with 130 when it was interrupted. Each stage's output "
    "is in .onetrunk/logs/ (of earlier runs in .onetrunk/runs/), the reports are in reports/.",
)
