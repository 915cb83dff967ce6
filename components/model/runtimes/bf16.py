"""bf16: the encoder's matrix products in bfloat16, where the processor multiplies it; all else stays fp32."""

from __future__ import annotations

import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from components.model.fused import fused
from components.model.packing import packed_states
from components.model.products import replace
from components.model.runtimes.base import Runtime, States

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel


class Bf16(Runtime):
    """By oneDNN, which needs no file and no package that torch does not bring."""

    def why_not(self) -> str | None:
        if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported():
            return None
        return "the processor does not multiply bf16 (AVX512-BF16 or AMX)"

    def begin(self, model: MultiTaskModel, folder: Path) -> States:
        if (states := fused(model.encoder, torch.bfloat16)) is not None:
            return states
        words = model.encoder.get_input_embeddings()
        encoder = copy.deepcopy(model.encoder, {id(words): words})  # the largest part is shared
        replace(encoder, torch.bfloat16)
        return partial(packed_states, encoder)


RUNTIME = Bf16
