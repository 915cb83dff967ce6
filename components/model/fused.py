"""BERT's blocks in few operations, for a model that only answers.

Of a lone text's time more goes to the way than to the products: transformers' modules make some thirty calls
a block, and torch reads and writes every number again to add a residual or to take GELU of it. Here a block
is six calls: one product makes queries, keys and values, and oneDNN adds the residual, or takes GELU, while
it writes a product.

oneDNN makes code for every number of tokens that it meets, which takes half a millisecond a product. So that
number is rounded up; what fills it up is nobody's token, and no token sees it.

Legend: T tokens of all sequences, R those and what fills them up, D hidden width, H heads of attention, d
width of one, n sequences of one length L.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.functional import layer_norm, pad, scaled_dot_product_attention
from transformers import PreTrainedModel

from components.data.batches.pack import Pack
from components.model.blocks import blocks
from components.model.packing import REFUSALS, States, alike, first_position, made_up, packed_states
from components.model.products import KINDS, LEAST, WORTH, fastest, laid_out

LENGTHS = (3, 17, 5, 5, 2)  # of the sequences that are compared, and timed: a short text's tokens
TOLERANCE = 1e-4  # of a state in fp32, by the largest
PARTS = (  # of a block, as transformers names them in BERT, RoBERTa, ELECTRA and their kin
    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
    "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm",
)  # fmt: skip

Parts = Mapping[str, Any]  # of a block, its modules by name


class Product(NamedTuple):
    """A linear layer as oneDNN reads it."""

    weight: torch.Tensor
    bias: torch.Tensor

    @classmethod
    def of(cls, dtype: torch.dtype, *layers: nn.Linear) -> Product:
        """The layers side by side, as one."""
        weight = torch.cat([layer.weight.detach() for layer in layers]).to(dtype)
        return cls(laid_out(weight), torch.cat([layer.bias.detach() for layer in layers]).to(dtype))

    def __call__(self, x_RI: torch.Tensor, then: str = "none") -> torch.Tensor:
        """y_RO, of which GELU may be taken."""
        own = x_RI.to(self.weight.dtype)
        y_RO: torch.Tensor = torch.ops.mkldnn._linear_pointwise(own, self.weight, self.bias, then, [], "none")
        return y_RO

    def plus(self, x_RI: torch.Tensor, other_RO: torch.Tensor) -> torch.Tensor:
        """y_RO + other_RO, in the type of the latter."""
        if self.weight.dtype != other_RO.dtype:
            return self(x_RI) + other_RO
        y_RO: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(
            x_RI, other_RO, self.weight, self.bias, "add"
        )
        return y_RO


class Norm:
    """A layer's normalisation, of weights that stay where they are when the layer's go."""

    def __init__(self, layer: nn.LayerNorm) -> None:
        self.how = (layer.normalized_shape, layer.weight.detach(), layer.bias.detach(), layer.eps)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return layer_norm(x, *self.how)


class Block:
    """One of the encoder's: hidden_RD -> hidden_RD."""

    def __init__(self, parts: Parts, width: int, dtype: torch.dtype) -> None:
        query, key, value, output, first, up, down, last = (parts[name] for name in PARTS)
        self.heads, self.width = query.out_features // width, width
        self.states = Product.of(dtype, query, key, value)
        self.output, self.up, self.down = (Product.of(dtype, layer) for layer in (output, up, down))
        self.first_norm, self.last_norm = Norm(first), Norm(last)

    def __call__(self, hidden_RD: torch.Tensor, pack: Pack) -> torch.Tensor:
        attended = self._attend(self.states(hidden_RD), pack)
        hidden_RD = self.first_norm(self.output.plus(attended, hidden_RD))
        wide = self.up(hidden_RD, "gelu")
        return self.last_norm(self.down.plus(wide, hidden_RD))

    def _attend(self, states: torch.Tensor, pack: Pack) -> torch.Tensor:
        """A call for each run of equal lengths -> attended_R(Hd), 0 where nobody's tokens are."""
        of_runs = [number * length for number, length in pack.runs]
        *parts, rest = states.split([*of_runs, len(states) - sum(of_runs)])
        attended = [self._attend_run(part, *run) for part, run in zip(parts, pack.runs, strict=True)]
        return torch.cat([*attended, rest.new_zeros(len(rest), self.heads * self.width)])

    def _attend_run(self, states: torch.Tensor, number: int, length: int) -> torch.Tensor:
        apart = states.view(number, length, 3, self.heads, self.width)
        query, key, value = apart.permute(2, 0, 3, 1, 4).unbind()  # of nHLd each
        attended_nHLd = scaled_dot_product_attention(query, key, value)
        return attended_nHLd.transpose(1, 2).reshape(number * length, -1)


def fused(encoder: PreTrainedModel, dtype: torch.dtype = torch.float32) -> States | None:
    """The states of an encoder that packs, by products in this type; all else is in fp32. None where its
    blocks are not BERT's, where oneDNN is missing, or where it is no faster in fp32."""
    if encoder.device.type != "cpu" or (found := _parts(encoder)) is None:
        return None
    width = encoder.config.hidden_size // encoder.config.num_attention_heads
    try:
        plain, ours = partial(packed_states, encoder), _states(encoder, found, width, torch.float32)
        if not _same_and_faster(encoder, plain, ours):
            return None
        return ours if dtype == torch.float32 else _states(encoder, found, width, dtype)
    except REFUSALS:  # of a build of torch without it
        return None


def _parts(encoder: PreTrainedModel) -> list[Parts] | None:
    """PARTS of each block; None where it has others, which may mean something else, or is small."""
    found: list[Parts] = [dict(block.named_modules()) for block in blocks(encoder)]
    if not found or not all(map(_is_berts, found)) or encoder.config.hidden_act != "gelu":
        return None
    largest: int = max(parts["intermediate.dense"].weight.numel() for parts in found)
    return found if largest >= LEAST else None


def _is_berts(parts: Parts) -> bool:
    """Whether a block has all PARTS, each of the kind that is expected."""
    own: list[Any] = [parts.get(name) for name in PARTS]
    kinds = [(nn.LayerNorm,) if "Norm" in name else KINDS for name in PARTS]
    return all(type(part) in kind and part.bias is not None for part, kind in zip(own, kinds, strict=True))


def _states(encoder: PreTrainedModel, found: Sequence[Parts], width: int, dtype: torch.dtype) -> States:
    own = [Block(parts, width, dtype) for parts in found]
    embeddings: Any = encoder.embeddings
    first = first_position(encoder)

    def states(input_ids_T: torch.Tensor, segment_ids_T: torch.Tensor | None, pack: Pack) -> torch.Tensor:
        """hidden_TD."""
        segments = {} if segment_ids_T is None else {"token_type_ids": segment_ids_T[None]}
        positions_1T = (pack.position_T + first)[None]
        hidden_TD = embeddings(input_ids=input_ids_T[None], position_ids=positions_1T, **segments)[0]
        hidden_RD = pad(hidden_TD, (0, 0, 0, rounded(len(hidden_TD)) - len(hidden_TD)))
        for block in own:
            hidden_RD = block(hidden_RD, pack)
        return hidden_RD[: len(hidden_TD)]

    return states


def rounded(tokens: int) -> int:
    """A number of tokens that many passes have, not much above this one."""
    step = 8 if tokens <= 128 else 16
    return -(-tokens // step) * step


@torch.inference_mode()
def _same_and_faster(encoder: PreTrainedModel, plain: States, ours: States) -> bool:
    pack = Pack.of(LENGTHS)
    input_ids_T = made_up(encoder, sum(LENGTHS))
    segments_T = torch.zeros_like(input_ids_T) if getattr(encoder.config, "type_vocab_size", 0) > 1 else None
    given = (input_ids_T, segments_T, pack)
    if not alike(ours(*given), plain(*given), TOLERANCE):
        return False
    return fastest(lambda: plain(*given)) > WORTH * fastest(lambda: ours(*given))
