"""How far a runtime's states are from eager's, on texts that are made up: the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from components.data.batches.pack import Pack
from components.model.packing import made_up, packed_states

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel
    from components.model.runtimes.base import States

LENGTHS = (3, 17, 5, 17, 40, 1)  # of the texts


@torch.inference_mode()
def of_made_up_texts(model: MultiTaskModel, states: States) -> float:
    """The largest difference of a state, as a share of the largest state; more than all numbers where one is
    no number."""
    longest = getattr(model.encoder.config, "max_position_embeddings", None) or max(LENGTHS)
    pack = Pack.of([min(length, longest - 2) for length in LENGTHS])
    input_ids_T = made_up(model.encoder, sum(pack.lengths))
    segment_ids_T = torch.zeros_like(input_ids_T) if model.takes_segments else None
    expected_TD = packed_states(model.encoder, input_ids_T, segment_ids_T, pack).float()
    found_TD = states(input_ids_T, segment_ids_T, pack)
    return of(found_TD, expected_TD)


def of(found_TD: torch.Tensor, expected_TD: torch.Tensor) -> float:
    """The same of states that are there."""
    error = (found_TD - expected_TD).abs().max() / expected_TD.abs().max()
    return float(error) if bool(error.isfinite()) else float("inf")
