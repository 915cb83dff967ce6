"""`onetrunk check`."""

from __future__ import annotations

import argparse

from flows.commands.base import Command

READY_TO_TRAIN = "plan"  # the stage that stands between data and encoder and the first GPU second


def run(given: argparse.Namespace) -> int:
    """Run the stages that come before training."""
    from flows.running import pipeline

    return pipeline.bring_up_to_date(target=READY_TO_TRAIN)


COMMAND = Command(
    run,
    "check settings, data and encoder; no training",
    "Read params.yaml and every row, clean, split and validate them, bring the encoder and see whether "
    "it fits, encode the texts and plan the mixture, and stop before the first second of training. "
    "reports/validation.html shows what was found. Then it says what training will give each task and how "
    "long it takes, by a handful of steps that it times. The last lines say how often the gate would promote "
    "a model exactly as good as the champion, and what would help where that is seldom.",
)
