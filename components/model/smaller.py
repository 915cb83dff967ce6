"""Smaller encoders of a model: with some of its blocks, or with narrower ones; and their file.

The word embeddings, the largest part, are the model's own and stand in its file alone.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel

from components.encoder.pretrained import encoder_of
from components.errors import UserError
from components.files import atomic_folder
from components.model.blocks import blocks
from components.model.narrow import fit
from components.model.packing import packable

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel

TAKEN = "taken"  # in a file's metadata: the numbers of the model's blocks that it has, as JSON
COUNT, KINDS = "num_hidden_layers", "layer_types"  # what configurations call them


def with_blocks(model: MultiTaskModel, taken: list[int]) -> PreTrainedModel:
    """A copy of the model's encoder with these blocks, by their numbers.

    Raises:
        UserError: the encoder cannot be made smaller so.
    """
    encoder = _empty(model, taken)
    names = {id(module): name for name, module in model.encoder.named_modules()}
    where = names[id(_list_of(model.encoder))]
    weights = model.encoder.state_dict()
    encoder.load_state_dict({key: weights[_renumbered(key, where, taken)] for key in encoder.state_dict()})
    if not packable(encoder):
        raise UserError("params.yaml: compress.student: sequences of this encoder cannot be packed")
    encoder.eval()
    return encoder


def whole(model: MultiTaskModel) -> PreTrainedModel:
    """A copy of the model's encoder.

    Raises:
        UserError: its sequences cannot be packed.
    """
    if not model.packs:
        raise UserError(
            "params.yaml: compress.pruned: sequences of this encoder cannot be packed; leave it out"
        )
    words = model.encoder.get_input_embeddings()
    encoder: PreTrainedModel = copy.deepcopy(model.encoder, {id(words): words})
    return encoder


def own_parameters(model: MultiTaskModel, encoder: PreTrainedModel) -> dict[str, nn.Parameter]:
    """Those of a smaller encoder that are not the model's, by name."""
    words = {id(one) for one in model.encoder.get_input_embeddings().parameters()}
    return {name: one for name, one in encoder.named_parameters() if id(one) not in words}


def save(model: MultiTaskModel, encoder: PreTrainedModel, taken: list[int], folder: Path) -> None:
    """Write an encoder of these blocks of the model's into a folder that is named as what it is."""
    own = {name: one.detach() for name, one in own_parameters(model, encoder).items()}
    with atomic_folder(folder) as temporary:
        save_file(own, temporary / file_of(folder.name), {TAKEN: json.dumps(taken)})


def file_of(name: str) -> str:
    """The file of a smaller encoder of this name."""
    return f"{name}.safetensors"


def made(compressed: Path, name: str) -> Path:
    """The file that the stage `compress` has made.

    Raises:
        UserError: it has not.
    """
    file = compressed / name / file_of(name)
    if not file.is_file():
        raise UserError(f"there is none: params.yaml has no compress.{name}")
    return file


def read(model: MultiTaskModel, file: Path) -> PreTrainedModel:
    """The encoder of a file, which packs.

    Raises:
        ValueError: it is of another model.
    """
    with safe_open(file, framework="numpy") as opened:
        taken: list[int] = json.loads(opened.metadata()[TAKEN])
    encoder, weights = _empty(model, taken), load_file(file)
    fit(encoder, weights)
    missing, unknown = encoder.load_state_dict(weights, strict=False)
    if unknown or own_parameters(model, encoder).keys() & set(missing):
        raise ValueError(f"{file.name} is of another encoder")
    encoder.eval()
    packable(encoder)  # sets it to pack
    return encoder


def _empty(model: MultiTaskModel, taken: list[int]) -> PreTrainedModel:
    """An encoder of these blocks whose weights are still to be loaded, but for the words'."""
    config: dict[str, Any] = {**model.config.encoder, COUNT: len(taken)}
    if isinstance(kinds := config.get(KINDS), list):
        config[KINDS] = [kinds[place] for place in taken]
    encoder: PreTrainedModel = encoder_of(
        AutoModel.from_config(AutoConfig.for_model(**config), dtype=torch.float32)
    )
    if len(blocks(encoder)) != len(taken):
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
