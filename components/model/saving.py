"""A model's folder: writing it and reading it.

Heads of auxiliary tasks stand in a file beside the model, which is released without them. So
model.safetensors and config.json of a training are the released ones, byte by byte, and who loads the
training's folder (the evaluation) gets the other heads as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import safe_open

from components.errors import UserError, first_line
from components.files import read_json
from components.model import index

if TYPE_CHECKING:
    from torch import nn

    from components.data.contract.cards import HeadCard, HeadCards
    from components.model.multitask import MultiTaskModel

MODEL = Path("models/multitask")  # of a project
AUXILIARY = "auxiliary.safetensors"
CARDS = "cards"  # of the heads, as JSON in the file's metadata


def load(folder: Path) -> MultiTaskModel:
    """Load a saved model for inference, with its auxiliary heads where they are in the folder, and the
    indices of its heads.

    Raises:
        UserError: the folder is missing, truncated or not one of ours; an index is not this model's.
    """
    import torch

    if not (folder / "config.json").is_file():
        raise UserError(f"{folder}: no model here (config.json is missing); run `onetrunk run` to train one")
    try:
        model = _read(folder)
        attach(model, folder)
    except Exception as error:  # safetensors, transformers and OS errors alike mean: not loadable
        reason = first_line(error)
        raise UserError(f"{folder}: the model cannot be loaded ({reason:.200})") from error
    model.choose_packing()
    for head, vectors_ND in index.read_all(folder, model.config.tasks).items():
        model.heads[head].candidates_ND = torch.from_numpy(vectors_ND)
    model.eval()
    return model


def own(model: nn.Module) -> None:
    """Copy a model's weights into memory of this process. What was loaded is mapped from its file: whoever
    writes into that file would change the model's answers, and who shortens it would end the process."""
    for weights in (*model.parameters(), *model.buffers()):
        weights.data = weights.data.clone()


def _read(folder: Path) -> MultiTaskModel:
    """The model of a folder, all of whose weights are there."""
    from safetensors.torch import load_file

    from components.model.heads import with_module_names
    from components.model.multitask import MultiTaskConfig, MultiTaskModel

    config = MultiTaskConfig.from_pretrained(folder)
    weights = with_module_names(load_file(folder / index.WEIGHTS))
    loaded: Any = MultiTaskModel.from_pretrained(
        None, config=config, state_dict=weights, output_loading_info=True
    )
    model: MultiTaskModel = loaded[0]
    if missing := sorted(loaded[1]["missing_keys"]):
        raise ValueError(f"{index.WEIGHTS} lacks {len(missing)} weights, the first is {missing[0]}")
    return model


def take_over(model: MultiTaskModel, folder: Path, heads: Mapping[str, str]) -> None:
    """Give the model the weights of a folder's: the encoder's, and those of some heads (own name -> name
    there). What follows from the rows of a head's own day, its buffers, stays.

    Raises:
        UserError: the folder holds no such model, or one of another shape.
    """
    try:
        known = _read(folder)
        _copy_weights(known.encoder, model.encoder)
        for own, there in heads.items():
            _copy_weights(known.heads[there], model.heads[own])
    except Exception as error:  # as in `load`
        reason = first_line(error)
        raise UserError(f"{folder}: its weights cannot be taken over ({reason:.200})") from error


def _copy_weights(source: nn.Module, target: nn.Module) -> None:
    given, own = dict(source.named_parameters()), dict(target.named_parameters())
    shapes = [{name: tuple(one.shape) for name, one in side.items()} for side in (given, own)]
    if shapes[0] != shapes[1]:
        raise ValueError("they have other names or sizes than this model's")
    for name, parameter in own.items():
        parameter.data.copy_(given[name].data)


def save_apart(model: MultiTaskModel, folder: Path, names: Collection[str]) -> None:
    """Write the model without these heads into `folder`, and the heads, if there are any, to AUXILIARY there.
    The model has all its heads again afterwards, in their order."""
    from safetensors.torch import save_file

    from components.model.heads import module_name

    heads, cards = dict(model.heads.items()), dict(model.config.tasks)
    try:
        for name in names:
            del model.heads[name], model.config.tasks[name]
        model.save_pretrained(folder)
    finally:
        model.heads.clear()
        model.heads.update(heads)
        model.config.tasks.clear()
        model.config.tasks.update(cards)
    if names:
        tensors = {
            f"{module_name(name)}.{key}": value
            for name in names
            for key, value in heads[name].state_dict().items()
        }
        metadata = {CARDS: json.dumps({name: cards[name] for name in names})}
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / AUXILIARY, metadata)


def rename(model: MultiTaskModel, names: Mapping[str, str]) -> None:
    """Give some heads, and the tasks whose rows they read, other names: own -> new. An old name is gone."""
    heads, cards = dict(model.heads.items()), dict(model.config.tasks)
    model.heads.clear()
    model.heads.update({names.get(head, head): module for head, module in heads.items()})
    model.config.tasks = {
        names.get(head, head): {**card, "task": names.get(card["task"], card["task"])}
        for head, card in cards.items()
    }


def attach(model: MultiTaskModel, folder: Path) -> None:
    """Add the auxiliary heads of a model's folder to the model, where it has any."""
    from safetensors.torch import load_file

    from components.model.heads import module_name

    found = auxiliary_cards(folder)
    if not found:
        return
    tensors = load_file(folder / AUXILIARY)
    model.config.tasks.update(found)
    for name, card in found.items():
        model.heads[name] = head = model.new_head(card)
        before = f"{module_name(name)}."
        head.load_state_dict(
            {key.removeprefix(before): v for key, v in tensors.items() if key.startswith(before)}
        )


def cards(folder: Path) -> HeadCards:
    """The cards of a saved model's heads, the auxiliary ones last, without its weights."""
    found: HeadCards = read_json(folder / "config.json")["tasks"]
    return {**found, **auxiliary_cards(folder)}


def auxiliary_cards(folder: Path) -> dict[str, HeadCard]:
    """The cards of a folder's auxiliary heads, by name."""
    if not (folder / AUXILIARY).is_file():
        return {}
    with safe_open(folder / AUXILIARY, framework="numpy") as file:
        found: dict[str, HeadCard] = json.loads(file.metadata()[CARDS])
    return found
