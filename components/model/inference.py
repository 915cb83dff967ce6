"""A trained model over the rows of a split, without gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from components import tasks
from components.data.batching import pad
from components.data.encoding import EncodedSplit
from components.model.multitask import MultiTaskModel
from components.tasks.base import Prediction

TOKENS = 4096  # per encoder pass, padding counted


def predict(
    model: MultiTaskModel,
    task: str,
    split: EncodedSplit,
    rows: Sequence[int],
    progress: Callable[[int], None] = lambda done: None,
) -> list[Prediction]:
    """Predictions of `rows`, in their order. Leaves the model in the mode in which it found it."""
    card = model.config.tasks[task]
    family = tasks.get(card["family"])
    training, answers = model.training, {}
    model.eval()
    with torch.inference_mode():
        for group in _groups(split, rows):
            for row, logits in zip(group, _logits(model, task, split, group), strict=True):
                answers[row] = family.decode(logits, split.row(row), card["facts"])
            progress(len(group))
    model.train(training)
    return [answers[row] for row in rows]


def _groups(split: EncodedSplit, rows: Sequence[int]) -> Iterator[list[int]]:
    group: list[int] = []
    for row in sorted(rows, key=lambda row: (-split.lengths[row], row)):
        if group and (len(group) + 1) * split.lengths[group[0]] > TOKENS:
            yield group
            group = []
        group.append(row)
    if group:
        yield group


def _logits(model: MultiTaskModel, task: str, split: EncodedSplit, group: Sequence[int]) -> Iterator[np.ndarray]:
    """Each row's logits; of logits per token, the padding is cut off."""
    tensors = pad([split.tokens(row) for row in group], int(split.lengths[group[0]]))
    input_ids, mask, segment_ids = (tensor.to(model.device) for tensor in tensors)
    logits = model(input_ids, mask, segment_ids, {task: slice(None)})[task].float().cpu().numpy()
    for row, values in zip(group, logits, strict=True):
        yield values[: split.lengths[row]] if values.ndim == 2 else values
