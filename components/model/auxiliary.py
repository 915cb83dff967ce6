"""Heads of auxiliary tasks: kept in a file beside the model, which is released without them.

So model.safetensors and config.json of a training are the released ones, byte by byte, and who loads the
training's folder (the evaluation) gets the other heads as well.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from components.model.multitask import MultiTaskModel

FILE = "auxiliary.safetensors"
CARDS = "cards"  # of the heads, as JSON in the file's metadata


def save_apart(model: MultiTaskModel, folder: Path, names: Collection[str]) -> None:
    """Write the model without these heads into `folder`, and the heads, if there are any, to FILE there.
    The model has all its heads again afterwards, in their order."""
    from safetensors.torch import save_file

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
        tensors = {f"{n}.{key}": value for n in names for key, value in heads[n].state_dict().items()}
        metadata = {CARDS: json.dumps({name: cards[name] for name in names})}
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / FILE, metadata)


def attach(model: MultiTaskModel, folder: Path) -> None:
    """Add the auxiliary heads of a model's folder to the model, where it has any."""
    from safetensors.torch import load_file

    found = cards(folder)
    if not found:
        return
    tensors = load_file(folder / FILE)
    model.config.tasks.update(found)
    for name, card in found.items():
        model.heads[name] = head = model.new_head(card)
        own = {key.removeprefix(f"{name}."): v for key, v in tensors.items() if key.startswith(f"{name}.")}
        head.load_state_dict(own)


def cards(folder: Path) -> dict[str, dict[str, Any]]:
    """The cards of a folder's auxiliary heads, by name."""
    from safetensors import safe_open

    if not (folder / FILE).is_file():
        return {}
    with safe_open(folder / FILE, framework="numpy") as file:
        found: dict[str, dict[str, Any]] = json.loads(file.metadata()[CARDS])
    return found
