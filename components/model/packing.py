"""Sequences of any lengths as one, side by side: no padding is computed.

Transformers' own attention mixes sequences that are packed so, even where their positions begin anew,
and says nothing. So the encoder is given an attention of ours, registered where transformers looks its
attention functions up; an encoder that asks for none is found out by `packable` and gets padded batches. One
that padding changes too (a convolution, a transform over the places) is found out by `paddable` and gets
texts of one length at a time.

Legend: T tokens of all sequences, H heads of attention, d width of one, n sequences of one length L.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, PreTrainedModel

from components.data.batches.pack import Pack
from components.errors import first_line
from components.model import attention
from components.model.attention import kernel_for

ATTENTION = "onetrunk_packed"
LENGTHS = (3, 17, 5, 5, 40, 8)  # of the sequences that are compared under padding
PADDED_TOLERANCE = 1e-4  # of a state in fp32, by the largest: padding changes one by a hundredth and more
REFUSALS = (TypeError, ValueError, RuntimeError, AttributeError, IndexError)  # each encoder has its way
TOLERANCE = 1e-5  # of a state in fp32, by the largest: other sequences change it by a tenth and more

States = Callable[[torch.Tensor, torch.Tensor | None, Pack], torch.Tensor]
"""input_ids_T, segment_ids_T (None where the encoder takes none) and their pack -> hidden_TD."""


def packed_states(
    encoder: nn.Module, input_ids_T: torch.Tensor, segment_ids_T: torch.Tensor | None, pack: Pack
) -> torch.Tensor:
    """hidden_TD, every sequence as if it were alone; the encoder's attention is ATTENTION."""
    segments = {} if segment_ids_T is None else {"token_type_ids": segment_ids_T[None]}
    positions = pack.position_T + first_position(encoder)
    output = encoder(input_ids=input_ids_T[None], position_ids=positions[None], pack=pack, **segments)
    hidden: torch.Tensor = output.last_hidden_state.squeeze(0)
    return hidden


def first_position(encoder: nn.Module) -> int:
    """The encoder's number of a sequence's first position: RoBERTa's begin after that of padding."""
    for name, module in encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            return 0 if module.padding_idx is None else module.padding_idx + 1
    return 0


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    pack: Pack,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention within each sequence: query_1HTd (and keys and values, of as many heads or fewer) ->
    attended_1THd. A token sees those less than `sliding_window` from it, where that is given."""
    states = [one_1HTd.squeeze(0).transpose(0, 1) for one_1HTd in (query, key, value)]
    way = attention.by_kernel if kernel_for(*states) else attention.by_length
    return way(states, pack, dropout, scaling, sliding_window)[None], None


AttentionInterface.register(ATTENTION, attend)


@torch.no_grad()
def packable(encoder: PreTrainedModel) -> bool:
    """Whether the encoder's states of packed sequences are those of each alone; if so, it is set to pack.

    One sequence is longer than the usual windows of local attention; equal lengths are neighbours or not.
    """
    before, training = encoder.config._attn_implementation, encoder.training
    pack = Pack.of((3, _longest(encoder), 5, 5, 3)).to(encoder.device)
    input_ids_T = made_up(encoder, sum(pack.lengths))
    encoder.eval()
    try:
        alone = [encoder(input_ids=one[None])[0][0] for one in input_ids_T.split(list(pack.lengths))]
        encoder.set_attn_implementation(ATTENTION)
        expected, found = torch.cat(alone).float(), packed_states(encoder, input_ids_T, None, pack).float()
        same = alike(found, expected, TOLERANCE)
    except REFUSALS:
        same = False
    if not same:
        encoder.set_attn_implementation(before)
    encoder.train(training)
    return same


@torch.no_grad()
def complaint(encoder: PreTrainedModel) -> str | None:
    """Why the encoder cannot read texts of any length, as it says itself; None if it can."""
    training = encoder.training
    encoder.eval()
    try:
        for length in LENGTHS:
            encoder(input_ids=made_up(encoder, min(length, _longest(encoder)))[None])
    except REFUSALS as error:
        return first_line(error)
    finally:
        encoder.train(training)
    return None


@torch.no_grad()
def paddable(encoder: PreTrainedModel) -> bool:
    """Whether a sequence's states are those that it has alone where longer ones stand beside it, it being
    padded to their length and the padding masked."""
    if getattr(encoder.config, "attention_type", None) == "block_sparse":
        return False  # BigBird's, which is another one where all sequences of a batch are short
    training = encoder.training
    encoder.eval()
    lengths = [min(length, _longest(encoder)) for length in LENGTHS]
    sequences = list(made_up(encoder, sum(lengths)).split(lengths))
    input_ids_BL = pad_sequence(sequences, batch_first=True)
    mask_BL = pad_sequence([torch.ones_like(one) for one in sequences], batch_first=True)
    try:
        found_BLD = encoder(input_ids=input_ids_BL, attention_mask=mask_BL)[0].float()
        expected = torch.cat([encoder(input_ids=one[None])[0][0] for one in sequences]).float()
        same = alike(found_BLD[mask_BL.bool()], expected, PADDED_TOLERANCE)
    except REFUSALS:
        same = False
    encoder.train(training)
    return same


def _longest(encoder: PreTrainedModel) -> int:
    return min(160, getattr(encoder.config, "max_position_embeddings", 160) - 2)


def made_up(encoder: PreTrainedModel, length: int) -> torch.Tensor:
    """input_ids_T of tokens that are no padding."""
    input_ids_T: torch.Tensor = 1 + torch.arange(length, device=encoder.device) % (
        encoder.config.vocab_size - 1
    )
    input_ids_T[input_ids_T == getattr(encoder.config, "pad_token_id", None)] = 2
    return input_ids_T


def alike(found: torch.Tensor, expected: torch.Tensor, tolerance: float) -> bool:
    """Whether they have one shape and differ by no more than that, as a share of the largest or of 1."""
    if found.shape != expected.shape:
        return False
    error = (found - expected).abs().max() / expected.abs().max().clamp(min=1)
    return bool(error <= tolerance)
