"""What a step reads: made on the host of its rows and a budget alone, so that it may be made ahead."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from components import families
from components.data.batches.batching import Batch, MicroBatch, labelled, micro_batches
from components.data.contract.cards import HeadCards
from components.data.encoding.split import EncodedSplit
from components.training import parallel
from components.training.step.augment import augmented
from components.training.step.context import StepContext


@dataclass
class Prepared:
    """A step's rows, by head, their units, and its micro-batches."""

    rows: Batch
    splits: Mapping[str, EncodedSplit]
    units: dict[str, float]
    own: Batch  # of this process
    batches: list[MicroBatch]

    def cut(self, context: StepContext) -> None:
        """Cut the rows anew, to the budget of now."""
        self.batches = _cut(context, self.splits, self.own, context.micro_batch_tokens)


def prepare(context: StepContext, step: int, batch: Batch, budget: int) -> Prepared:
    """Of the rows that were drawn for a step, with micro-batches of at most `budget` tokens."""
    cards: HeadCards = context.model.config.tasks
    rows = labelled(context.splits, cards, batch)
    splits = augmented(context.splits, cards, context.seed, step)
    units = {head: _units(context, head, known) for head, known in rows.items()}
    own = parallel.own_rows(context.splits, batch)
    return Prepared(rows, splits, units, own, _cut(context, splits, own, budget))


def on_device(prepared: Prepared, device: torch.device) -> Prepared:
    """The micro-batches brought to the device, where it has room for them already."""
    with contextlib.suppress(torch.OutOfMemoryError):
        prepared.batches = [micro.to(device) for micro in prepared.batches]
    return prepared


def _cut(
    context: StepContext, splits: Mapping[str, EncodedSplit], own: Batch, budget: int
) -> list[MicroBatch]:
    cards, packs = context.model.config.tasks, context.model.packs
    return list(micro_batches(splits, cards, own, budget, packs))


def _units(context: StepContext, head: str, rows: np.ndarray) -> float:
    """The denominator of a head's loss in the step; 1 where its rows hold no unit at all."""
    card = context.model.config.tasks[head]
    family, split = families.get(card["family"]), context.splits[card["task"]]
    return sum((family.units(split.target(row, head), card["facts"]) for row in rows), 0.0) or 1.0
