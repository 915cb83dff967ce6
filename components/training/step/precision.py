"""The precision in which a micro-batch is computed."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import torch

from components.errors import UserError

SWITCH = "ONETRUNK_NATIVE_BF16"
"""Set to 1 or 0, this variable of the environment is believed, and the hardware is not asked: with 1 a
processor without bf16 emulates it, with 0 one that has it computes as one that has not."""


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """Half precision where asked for; bf16 also where the hardware multiplies it natively."""
    if precision == "fp16":
        return torch.autocast(device.type, dtype=torch.float16)
    if precision == "bf16" or (precision == "auto" and native_bf16(device)):
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


def native_bf16(device: torch.device) -> bool:
    """Does the device multiply bf16 by itself?

    Raises:
        UserError: SWITCH is neither 0 nor 1.
    """
    if said := os.environ.get(SWITCH):
        if said not in ("0", "1"):
            raise UserError(f"{SWITCH}: found '{said}' in the environment, expected 0 or 1, or unset it")
        return said == "1"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
