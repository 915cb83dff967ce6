"""One optimisation step: forward, weigh the tasks, backward, clip once, step once.

Legend: L_i the mean loss of task i (a head) over its own units of the step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from components.data.batches.batching import Batch
from components.model.multitask import MultiTaskModel
from components.settings.training import Training
from components.training import regularisation
from components.training.balancing import Balance, Balancer
from components.training.step.backward import Look, NotFiniteError, ScaleOverflowError, Splits
from components.training.step.loss_scale import LossScale

__all__ = ["NotFiniteError", "ScaleOverflowError", "Splits", "Stepper"]


@dataclass
class Stepper:
    """Takes steps; all that it changes is in `model`, `optimiser`, `balancer`, `scale` and
    `micro_batch_tokens`."""

    model: MultiTaskModel
    optimiser: torch.optim.Optimizer
    balancer: Balancer
    splits: Splits
    training: Training
    seed: int
    shares: Mapping[str, float] = field(default_factory=dict)  # of the mixture in the coming step, by head
    following: Callable[[], Batch] = dict  # draws the step after it: a method may look ahead on its rows
    gramian_KK: np.ndarray | None = None  # of the step just taken, if it made one

    def __post_init__(self) -> None:
        self.scale = LossScale(self.training.precision)
        self.micro_batch_tokens = self.training.tokens_per_micro_batch  # less where memory did not hold them
        self.regularisers = regularisation.build(self.training.regularisation)

    def take(self, step: int, batch: Batch) -> tuple[dict[str, float], Balance]:
        """One step on a batch; returns each L_i and what it counted.

        A task that the step does not draw leaves its head's gradient None, so neither momentum nor
        decay moves it.

        Raises:
            NotFiniteError: naming step, task and rows; nothing was changed.
            ScaleOverflowError: nothing was changed but the loss scale, which is half of what it was.
            UserError: the device's memory does not hold a single row.
        """
        look = Look(self, step, batch)
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        try:
            facts, balance = look.within_memory(look.backward)
            look.clip(facts.losses)
        except ScaleOverflowError:
            self.scale.overflowed()
            raise
        self.optimiser.step()
        self.scale.fitted()
        needs = self.balancer.needs(step)
        if "losses_after" in needs:
            facts = replace(facts, losses_after=look.within_memory(look.losses))
        if "alignments" in needs:
            facts = replace(facts, alignments=look.within_memory(look.alignments))
        self.balancer.update(facts)
        self.gramian_KK = facts.gramian_KK
        return dict(facts.losses), balance
