"""The precision in which a micro-batch is computed.

torch is imported to compute, and only then.
"""

from __future__ import annotations

import contextlib
import functools
import os
import statistics
import time
from typing import TYPE_CHECKING, Any

from components.errors import UserError

if TYPE_CHECKING:
    import torch

SWITCH = "ONETRUNK_NATIVE_BF16"
"""Set to 1 or 0, this variable of the environment is believed, and nothing is measured: with 1 a processor
without bf16 emulates it, with 0 one that has it computes as one that has not."""
FASTER = (
    1.2  # times that bf16 must be to be chosen: a processor with it is two to four, one without is slower
)
ROWS, INNER, COLUMNS = 1024, 384, 1536  # of the products that are timed
TURNS = 5


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Half precision where asked for, or where `auto` settles on it."""
    import torch

    half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(settled(precision, device))
    return torch.autocast(device.type, dtype=half) if half else contextlib.nullcontext()


def settled(precision: str, device: torch.device) -> str:
    """What `auto` is on the device: bf16 where it pays, else fp32. Others are what they are.

    Raises:
        UserError: SWITCH is neither 0 nor 1.
    """
    if precision != "auto":
        return precision
    return "bf16" if pays(device) else "fp32"


def pays(device: torch.device) -> bool:
    """Whether bf16 is to be taken on the device, unless the environment says it: on a CPU where it is
    measured to be the faster; on a GPU, where a short measurement is of launches, where the hardware has it.

    Raises:
        UserError: SWITCH is neither 0 nor 1.
    """
    told = said()
    if told is not None:
        return told
    if device.type == "cuda":
        import torch

        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and gain() >= FASTER


def said() -> bool | None:
    """What the environment says of bf16, if anything.

    Raises:
        UserError: SWITCH is neither 0 nor 1.
    """
    word = os.environ.get(SWITCH)
    if word and word not in ("0", "1"):
        raise UserError(f"{SWITCH}: found '{word}' in the environment, expected 0 or 1, or unset it")
    return word == "1" if word else None


@functools.cache
def gain() -> float:
    """How many times as fast as in fp32 a linear layer is on a CPU in bf16, forward and backward, casts
    included.

    By the medians of some turns, which take less than a second, in this process's own time. It draws no
    random number.
    """
    import torch
    from torch.nn.functional import linear

    rows, weight = (torch.ones(number, INNER, requires_grad=True) for number in (ROWS, COLUMNS))
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(TURNS + 1):
        for half, taken in seconds.items():
            start = time.process_time()
            with torch.enable_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                product = linear(rows, weight)
            torch.autograd.grad(product, [rows, weight], torch.ones_like(product))
            if turn:  # the first one makes what the others find
                taken.append(time.process_time() - start)
    return statistics.median(seconds[False]) / statistics.median(seconds[True])
