"""An encoder with some of another's blocks: the begin of a student, and how it is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from components.encoder.pretrained import encoder_of
from components.errors import UserError
from components.model.blocks import blocks
from components.model.packing import packable

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel

FILE = "student.safetensors"
TAKEN = "taken"  # in its metadata: the numbers of the blocks that it began with, as JSON
COUNT, KINDS = "num_hidden_layers", "layer_types"  # what configurations call them


def smaller(model: MultiTaskModel, layers: int) -> PreTrainedModel:
    """A copy of the model's encoder with so many of its blocks, evenly taken, the last among them; the word
    embeddings are the model's own.

    Raises:
        UserError: the encoder has not so many blocks, or cannot be made smaller so.
    """
    own = len(blocks(model.encoder))
    if layers >= own:
        raise UserError(f"params.yaml: compress.student.layers: found {layers}, expected fewer than {own}")
    taken = taken_of(own, layers)
    encoder = empty(model, layers, taken)
    names = {id(module): name for name, module in model.encoder.named_modules()}
    where = names[id(_list_of(model.encoder))]
    weights = model.encoder.state_dict()
    encoder.load_state_dict({key: weights[_renumbered(key, where, taken)] for key in encoder.state_dict()})
    if not packable(encoder):
        raise UserError("params.yaml: compress.student: sequences of this encoder cannot be packed")
    encoder.eval()
    return encoder


def taken_of(blocks: int, layers: int) -> list[int]:
    """The numbers of so many blocks, evenly taken, the last among them."""
    return [round((number + 1) * blocks / layers) - 1 for number in range(layers)]


def empty(model: MultiTaskModel, layers: int, taken: list[int]) -> PreTrainedModel:
    """An encoder of that shape whose weights are still to be loaded, but for the words'."""
    config: dict[str, Any] = {**model.config.encoder, COUNT: layers}
    if isinstance(kinds := config.get(KINDS), list):
        config[KINDS] = [kinds[place] for place in taken]
    encoder: PreTrainedModel = encoder_of(
        AutoModel.from_config(AutoConfig.for_model(**config), dtype=torch.float32)
    )
    if len(blocks(encoder)) != layers:
        kind = config.get("model_type", "this encoder")
        raise UserError(f"params.yaml: compress.student: {kind} cannot be made smaller; leave it out")
    encoder.set_input_embeddings(model.encoder.get_input_embeddings())
    return encoder


def _list_of(encoder: nn.Module) -> nn.Module:
    first = blocks(encoder)[0]
    return next(m for m in encoder.modules() if isinstance(m, nn.ModuleList) and len(m) and m[0] is first)


def _renumbered(key: str, where: str, taken: list[int]) -> str:
    """The key of the larger encoder's weight that a smaller one begins with."""
    if not key.startswith(f"{where}."):
        return key
    number, _, rest = key.removeprefix(f"{where}.").partition(".")
    return f"{where}.{taken[int(number)]}.{rest}"
