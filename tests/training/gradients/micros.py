"""Micro-batches of random tokens, and each task's gradient of them, for any encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, PreTrainedConfig

from components.data.batches.pack import Pack
from components.data.batches.tensors import Rows, pad
from components.model.multitask import MultiTaskModel
from components.training.gradients.base import TaskGradients
from components.training.gradients.separate import task_gradients

CARDS: dict[str, Any] = {
    "a": {"family": "classification", "facts": {"labels": ["x", "y", "z"]}, "max_length": 64},
    "b": {"family": "tagging", "facts": {"tags": ["O", "B-X", "I-X"]}, "max_length": 64},
    "c": {"family": "classification", "facts": {"labels": ["x", "y"]}, "max_length": 64},
}
Micro = tuple[list[int], dict[str, list[int]]]  # lengths, and each head's places
DISJOINT: list[Micro] = [
    ([9, 4, 4, 30, 12, 12], {"a": [0, 1], "b": [2, 3], "c": [4, 5]}),
    ([7, 5, 5], {"c": [0, 2], "a": [1]}),  # b is absent, and c's rows are not neighbours
]
JOINT: list[Micro] = [([9, 4, 30, 12], {"a": [0, 1, 2], "b": [3], "c": [1, 2]}), DISJOINT[0]]


def build(config: PreTrainedConfig, folder: Path) -> MultiTaskModel:
    torch.manual_seed(1)
    encoder = AutoModel.from_config(config)
    for parameter in encoder.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.2)
    encoder.save_pretrained(folder)
    return MultiTaskModel.from_encoder(folder, CARDS, 0.0, 3).train()


def run(
    model: MultiTaskModel, micro: Micro, number: int
) -> tuple[dict[str, torch.Tensor], torch.Tensor, dict[str, Rows]]:
    """Losses by head of a micro-batch of random tokens, its mask, and its rows."""
    lengths, places = micro
    draw = np.random.default_rng(number)
    input_ids, mask, segments_ = pad([(draw.integers(3, 99, n), draw.integers(0, 2, n)) for n in lengths])
    rows = {head: Rows(torch.tensor(own)) for head, own in places.items()}
    pack = Pack.of_mask(mask) if model.packs else None
    logits = model(input_ids, mask, segments_, rows, pack)
    return {head: _loss(values, mask[rows[head].places]) for head, values in logits.items()}, mask, rows


def _loss(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Some function of the real logits: not the same for every token."""
    if logits.ndim == 3:
        logits = logits[mask.bool()]
    return -logits.log_softmax(-1)[..., 0].sum() / 7


def gathered(model: MultiTaskModel, micros: list[Micro]) -> TaskGradients:
    with task_gradients(model, list(CARDS)) as gradients:
        for number, micro in enumerate(micros):
            gradients.backward(*run(model, micro, number))
    return gradients
