"""What a smaller encoder learns counts each head alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from components.compression import distil
from components.data.batches.batching import micro_batches
from components.data.encoding.split import EncodedSplit
from components.model import saving
from components.model.smaller import with_blocks


def test_a_head_with_one_row_in_a_batch_counts_no_more_than_with_many(project: Path) -> None:
    """Of a regression that is one number, whose variance is nothing."""
    model = saving.load(saving.MODEL).requires_grad_(False)
    torch.manual_seed(0)
    student, cards = with_blocks(model, [1]), model.config.tasks
    units = distil.variances(model, distil.rows_of_each(model, Path(), 0, distil.EACH))
    tasks = {card["task"] for card in cards.values()}
    splits = {task: EncodedSplit(Path("encoded") / task / "train.arrow") for task in tasks}
    losses = []
    for task in tasks:
        for count in (1, 30):
            (micro,) = micro_batches(splits, cards, {task: np.arange(count)}, 9999, packed=True)
            losses.append(distil._backward(model, student, micro, units, 1))
    assert max(losses) < 100, losses  # by the variance in the batch it would be a million
