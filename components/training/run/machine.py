"""Which precision `training.precision: auto` is, remembered for a project and a kind of machine.

On a CPU it is settled by a measurement of less than a second (training/step/precision.py). A project must not
change its numbers because a measurement did, so it is made once and kept in .onetrunk/precision.json; what it
has found is said, and where another machine settles otherwise, that too. torch is imported to settle it, and
only then.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.processor import model_name
from components.records import Record
from components.training.step import precision

if TYPE_CHECKING:
    import torch

LOG = logging.getLogger(__name__)
FILE = Path(".onetrunk/precision.json")


class Settled(Record):
    """.onetrunk/precision.json: what `auto` is here."""

    remedy = "take it out, and it is measured anew"
    machine: str  # the processor or GPU, and the libraries that compute
    gain: float | None  # how many times as fast as fp32 bf16 is; null on a GPU, where nothing is measured
    precision: Literal["fp32", "bf16"]  # the one that `auto` is


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
        machine=_machine(device),
        gain=precision.gain() if device.type == "cpu" else None,
        precision="bf16" if precision.pays(device) else "fp32",
    )
    _say(found, before)
    found.write(root / FILE)
    return found.precision


def known(asked: str, root: Path) -> str | None:
    """As `precision_of` said it last, and nothing is settled for it; None where `auto` is not settled yet.

    Raises:
        UserError: as `precision_of`.
    """
    told = precision.said()
    if asked != "auto":
        return asked
    if told is not None:
        return "bf16" if told else "fp32"
    return Settled.read(root / FILE).precision if (root / FILE).is_file() else None


def _say(found: Settled, before: Settled | None) -> None:
    faster = "" if found.gain is None else f" (bf16 is {found.gain:.1f} times as fast as fp32)"
    changed = ""
    if before and before.precision != found.precision:
        changed = (
            f" and was {before.precision} on the one before, so results differ; name one in params.yaml to "
            f"keep it"
        )
    LOG.warning("training.precision: auto is %s on this machine%s%s", found.precision, faster, changed)


def _machine(device: torch.device) -> str:
    """What decides, and not the name of a container: a GPU's model, or the CPU's and its threads."""
    import torch

    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} {torch.__version__}"
    return f"{processor()} {torch.__version__}"


def processor() -> str:
    """The CPU's model, and the threads that compute on it."""
    return f"{model_name()} {os.environ.get('OMP_NUM_THREADS') or os.cpu_count()}"
