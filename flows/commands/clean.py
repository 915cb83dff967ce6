"""`onetrunk clean`."""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.commands.base import Command


def run(given: argparse.Namespace) -> int:
    """Remove the outputs of the stages."""
    from flows import clean

    return clean.run(Path.cwd())


COMMAND = Command(
    run,
    "remove what the pipeline has made, and nothing else",
    "Remove the outputs of all stages but for downloads/ and the encoder, and the program's "
    ".onetrunk/. A file among them that no record names as made here stays, and is named. dvc.lock stays "
    "too, so `dvc checkout` or `onetrunk run` brings the outputs back from DVC's cache.",
)
