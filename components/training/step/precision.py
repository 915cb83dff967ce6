"""The precision in which a micro-batch is computed."""

from __future__ import annotations

import contextlib
import functools
import os
import statistics
import time
from typing import Any

import torch
from torch.nn.functional import linear

from components.errors import UserError

SWITCH = "ONETRUNK_NATIVE_BF16"
"""Set to 1 or 0, this variable of the environment is believed, and nothing is measured: with 1 a processor
without bf16 emulates it, with 0 one that has it computes as one that has not."""
FASTER = (
    1.2  # times that bf16 must be to be chosen: a processor with it is two to four, one without is slower
)
ROWS, INNER, COLUMNS = 1024, 384, 1536  # of the products that are timed
TURNS = 5
MEASURABLE = ("cpu", "cuda")  # kinds of device


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Half precision where asked for, or where `auto` settles on it."""
    half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(settled(precision, device))
    return torch.autocast(device.type, dtype=half) if half else contextlib.nullcontext()


def settled(precision: str, device: torch.device) -> str:
    """What `auto` is on the device: bf16 where it pays, else fp32. Others are what they are.

    Raises:
        UserError: SWITCH is neither 0 nor 1.
    """
    if precision != "auto":
        return precision
    pays = said() if said() is not None else device.type in MEASURABLE and gain(device) >= FASTER
    return "bf16" if pays else "fp32"


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
def gain(device: torch.device) -> float:
    """How many times as fast as in fp32 a linear layer is in bf16, forward and backward, casts included.

    By the medians of some turns, which take less than a second. It draws no random number.
    """
    rows = torch.ones(ROWS, INNER, device=device, requires_grad=True)
    weight = torch.ones(COLUMNS, INNER, device=device, requires_grad=True)
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for turn in range(TURNS + 1):
        for half, taken in seconds.items():
            start = _now(device)
            with torch.enable_grad(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
                product = linear(rows, weight)
            torch.autograd.grad(product, [rows, weight], torch.ones_like(product))
            if turn:  # the first one makes what the others find
                taken.append(_now(device) - start)
    return statistics.median(seconds[False]) / statistics.median(seconds[True])


def _now(device: torch.device) -> float:
    """Seconds: of this process, whatever others do; beside a GPU, of the clock."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()
