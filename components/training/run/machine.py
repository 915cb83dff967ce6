"""Which precision `training.precision: auto` is, remembered for a project and a machine.

It is settled by a measurement of less than a second (training/step/precision.py). A project must not change
its numbers because a measurement did, so it is made once and kept in .onetrunk/precision.json; where another
machine settles otherwise, that is said.
"""

from __future__ import annotations

import logging
import os
import platform
from pathlib import Path

import torch

from components.records import Record
from components.training.step import precision

LOG = logging.getLogger(__name__)
FILE = Path(".onetrunk/precision.json")


class Settled(Record):
    """.onetrunk/precision.json: what `auto` is here."""

    remedy = "take it out, and it is measured anew"
    machine: str
    gain: float  # how many times as fast as fp32 bf16 is
    precision: str


def precision_of(asked: str, root: Path, device: torch.device) -> str:
    """The precision that a run below `root` trains in: `auto` as it was settled on this machine, others as
    they are.

    Raises:
        UserError: the file is torn, or the environment says neither 0 nor 1.
    """
    if asked != "auto" or precision.said() is not None:
        return precision.settled(asked, device)
    before = Settled.read(root / FILE) if (root / FILE).is_file() else None
    if before and before.machine == _machine(device):
        return before.precision
    found = Settled(
        machine=_machine(device), gain=precision.gain(device), precision=precision.settled(asked, device)
    )
    if before and before.precision != found.precision:
        LOG.warning(
            "training.precision: auto is %s on this machine and was %s on the one before, so results differ; "
            "name one in params.yaml to keep it", found.precision, before.precision,
        )  # fmt: skip
    found.write(root / FILE)
    return found.precision


def _machine(device: torch.device) -> str:
    """What a gain depends on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    parts = (platform.node(), name, os.cpu_count(), os.environ.get("OMP_NUM_THREADS", ""), torch.__version__)
    return " ".join(map(str, parts))
