"""A trained model over the rows of a split, without gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from components import tasks
from components.data.batching import assemble, similar_lengths, to_items
from components.data.encoding import EncodedSplit
from components.model.multitask import MultiTaskModel
from components.tasks.base import Prediction

TOKENS = 4096  # per encoder pass, padding counted


def predict(
    model: MultiTaskModel,
    task: str,
    split: EncodedSplit,
    rows: Sequence[int],
) -> list[Prediction]:
    """Predictions of `rows`, in their order. Leaves the model in the mode in which it found it."""
    card = model.config.tasks[task]
    family = tasks.get(card["family"])
    training, answers = model.training, {}
    model.eval()
    with torch.inference_mode():
        for group in similar_lengths(to_items(split, task, rows), TOKENS):
            *tensors, members = assemble({task: split}, group)
            on_device = (tensor.to(model.device) for tensor in tensors)
            logits = model(*on_device, {task: members[task].to(model.device)})[task].float().cpu().numpy()
            for item, values in zip(group, logits, strict=True):
                real = values[: item.length] if values.ndim == 2 else values  # without the padding
                answers[item.row] = family.decode(real, split.row(item.row), card["facts"])
    model.train(training)
    return [answers[row] for row in rows]
