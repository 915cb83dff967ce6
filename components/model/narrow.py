"""Blocks of an encoder with some of their heads of attention and of their feed-forward neurons.

A unit is a head or a neuron. One layer reads a block's units of a kind, each a run of its columns; the layers
before it make them, each a run of rows (of one that makes several things at once, such as queries, keys and
values: a run of each). So a unit that goes takes rows and columns along, and the products are smaller.

Legend: U units of a block, w the columns of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn
from transformers import PreTrainedModel

from components.errors import UserError
from components.model.blocks import blocks

HEADS = {  # within a block: what reads them, and what makes them
    "attention.output.dense": ("attention.self.query", "attention.self.key", "attention.self.value"),  # BERT
    "attn.Wo": ("attn.Wqkv",),  # ModernBERT
}
NEURONS = {"output.dense": ("intermediate.dense",), "mlp.Wo": ("mlp.Wi",)}


class Units(NamedTuple):
    """A block's heads, or its neurons."""

    makers: list[nn.Linear]
    reader: nn.Linear
    width: int  # w

    @property
    def number(self) -> int:
        """U."""
        return self.reader.in_features // self.width


def units_of(encoder: PreTrainedModel, names: Mapping[str, Sequence[str]]) -> list[Units]:
    """HEADS or NEURONS of each block.

    Raises:
        UserError: the encoder calls its layers otherwise.
    """
    return [_found(encoder, dict(block.named_modules()), names) for block in blocks(encoder)]


def _found(
    encoder: PreTrainedModel, modules: Mapping[str, nn.Module], names: Mapping[str, Sequence[str]]
) -> Units:
    config = encoder.config
    width = config.hidden_size // config.num_attention_heads if names is HEADS else 1
    for reader, makers in names.items():
        layers = [modules.get(name) for name in (reader, *makers)]
        found = [layer for layer in layers if isinstance(layer, nn.Linear)]
        if len(found) == len(layers):
            return Units(found[1:], found[0], width)
    raise UserError(
        f"params.yaml: compress.pruned: the parts of {config.model_type} are not known; leave it out"
    )


@torch.no_grad()
def keep(units: Units, kept: Sequence[int]) -> None:
    """Take all units but those, by their numbers in a rising order, out of a block."""
    whole = units.reader.in_features
    columns = torch.cat([torch.arange(one * units.width, (one + 1) * units.width) for one in kept])
    _resize(units.reader, units.reader.weight[:, columns], units.reader.bias)
    for maker in units.makers:
        rows = torch.cat([columns + begin for begin in range(0, maker.out_features, whole)])
        _resize(maker, maker.weight[rows], None if maker.bias is None else maker.bias[rows])


def fit(encoder: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Give the encoder's layers the shapes of these weights, by name; their values are still to be loaded."""
    for name, layer in encoder.named_modules():
        weight = weights.get(f"{name}.weight")
        if isinstance(layer, nn.Linear) and weight is not None and weight.shape != layer.weight.shape:
            _resize(layer, weight, None if layer.bias is None else weights[f"{name}.bias"])


def _resize(layer: nn.Linear, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    layer.out_features, layer.in_features = weight.shape
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
