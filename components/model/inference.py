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
    model: MultiTaskModel, task: str, split: EncodedSplit, rows: Sequence[int]
) -> dict[str, list[Prediction]]:
    """Each head's predictions of a task's rows, in their order, with or without a target. Leaves the
    model in the mode in which it found it."""
    cards = {head: card for head, card in model.config.tasks.items() if card["task"] == task}
    wanted = {head: (task, set(rows)) for head in cards}
    training = model.training
    answers: dict[str, dict[int, Prediction]] = {head: {} for head in cards}
    model.eval()
    with torch.inference_mode():
        for group in similar_lengths(to_items(split, task, rows), TOKENS):
            *tensors, heads = assemble({task: split}, group, wanted)
            on_device = (tensor.to(model.device) for tensor in tensors)
            logits = model(*on_device, {head: given.to(model.device) for head, given in heads.items()})
            for head, card in cards.items():
                values = logits[head].float().cpu().numpy()
                for item, of_row in zip(group, values, strict=True):
                    layout = split.layout(item.row, head) or {}
                    answers[head][item.row] = tasks.get(card["family"]).decode(of_row, layout, card["facts"])
    model.train(training)
    return {head: [of_head[row] for row in rows] for head, of_head in answers.items()}
